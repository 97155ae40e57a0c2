import assert from 'node:assert/strict'
import type { Call } from '@lockkeeper/domain'
import { fromPlain, type JsonObject } from '@lockkeeper/domain/json'
import { aCall, aChangeMethod, aMethod } from '@lockkeeper/testkit'
import { gatewayOwn } from './gateway-own.ts'

const GATE = 'gate@shop.iam.gserviceaccount.com'
const OWN = ['//*.googleapis.com/projects/gateway-home', '//*.googleapis.com/projects/gateway-home/**', `//iam.googleapis.com/projects/*/serviceAccounts/${GATE}`, `//iam.googleapis.com/projects/*/serviceAccounts/${GATE}/**`]

const change = (resource: string, body?: object): Call => aCall({
  method: aMethod({ id: 'compute.instances.insert', change: true }), resources: [resource],
  body: body === undefined ? { kind: 'none' } : { kind: 'json', value: fromPlain(body) as JsonObject, bytes: new Uint8Array() },
})
const SHOP = '//compute.googleapis.com/projects/shop/zones/a/instances/i'
const ACCOUNT = '//iam.googleapis.com/projects/-/serviceAccounts/'

describe('what belongs to the gateway itself', () => {
  const own: readonly (readonly [string, Call])[] = [
    ['its account', change(ACCOUNT + GATE)],
    ['its account in other letters', change(ACCOUNT + GATE.replace('gate', 'Gate'))],
    ['a key of its account', change(`${ACCOUNT}${GATE}/keys/k`)],
    ['an account under its number, which could be its own', change(`${ACCOUNT}104857600000000000001`)],
    ['a key of an account under its number', change('//iam.googleapis.com/projects/shop/serviceAccounts/104857600000000000001/keys/k')],
    ['a machine that runs as its account', change(SHOP, { name: 'i', serviceAccounts: [{ email: GATE, scopes: [] }] })],
    ['the same in other letters', change(SHOP, { serviceAccounts: [{ email: ` ${GATE.toUpperCase()}` }] })],
    ['a service that runs as its account', change(SHOP, { template: { serviceAccount: GATE } })],
    ['a subscription that signs as its account', change(SHOP, { pushConfig: { oidcToken: { serviceAccountEmail: GATE } } })],
    ['an account by its resource name', change(SHOP, { serviceAccount: `projects/-/serviceAccounts/${GATE}` })],
    ['another account of its project', change(SHOP, { serviceAccount: 'other@gateway-home.iam.gserviceaccount.com' })],
    ['a grant to its account', { ...change(SHOP, {}), method: aChangeMethod(), iam: { known: true, added: [{ role: 'roles/owner', member: `serviceAccount:${GATE}` }], removed: [], auditConfigsChanged: false } }],
    ['a grant taken from its account', { ...change(SHOP, {}), method: aChangeMethod(), iam: { known: true, added: [], removed: [{ role: 'roles/viewer', member: `serviceAccount:${GATE}` }], auditConfigsChanged: false } }],
  ]
  for (const [what, call] of own) it(`invariant 12: ${what} is found`, () => assert.notEqual(gatewayOwn(call, OWN), undefined))

  const free: readonly (readonly [string, Call])[] = [
    ['an account of another address', change(`${ACCOUNT}other@shop.iam.gserviceaccount.com`)],
    ['a read of an account under its number', { ...change(`${ACCOUNT}104857600000000000001`), method: aMethod() }],
    ['a machine that runs as another account', change(SHOP, { serviceAccounts: [{ email: 'web@shop.iam.gserviceaccount.com' }] })],
    ['its address in other fields', change(SHOP, { description: GATE, access: [{ userByEmail: GATE }] })],
    ['a policy that goes on to name its account', { ...change(SHOP, { policy: { bindings: [{ role: 'r', members: [`serviceAccount:${GATE}`] }] } }), method: aChangeMethod(), iam: { known: true, added: [], removed: [], auditConfigsChanged: false } }],
  ]
  for (const [what, call] of free) it(`${what} is free`, () => assert.equal(gatewayOwn(call, OWN), undefined))

  it('a long name of an account is judged in time linear in its length', () => {
    const call = change(`${ACCOUNT}${'a'.repeat(200_000)}`)
    const start = process.cpuUsage()
    assert.equal(gatewayOwn(call, OWN), undefined)
    assert.ok(process.cpuUsage(start).user < 500_000)
  })

  it('without protected accounts a number names an account like any other', () => assert.equal(gatewayOwn(change(`${ACCOUNT}104857600000000000001`), ['//storage.googleapis.com/projects/_/buckets/audit-log']), undefined))
})
