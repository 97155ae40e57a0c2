/** IAM v1 and IAM Credentials v1: service accounts, their policies, and the methods that would hand out a credential. */
import { randomUUID } from 'node:crypto'
import { alreadyThere, concurrentPolicyChange, invalid, notFound } from './google-error.ts'
import { fieldsAt, isFields, merged, textAt } from './json-body.ts'
import type { Fields } from './json-body.ts'
import { heldPermissions } from './policies.ts'
import type { Answer, Exchange, Route } from './routes.ts'
import { PROJECT, pageOf } from './world.ts'
import type { World } from './world.ts'

/** Stands in every credential that the sandbox would mint: where it shows up, a guard failed. */
export const CREDENTIAL_CANARY = 'SANDBOX-CANARY-CREDENTIAL'

const PREFIX = 'iam:'

export function addServiceAccount(world: World, accountId: string, chosen: Fields = {}): Fields {
  const email = `${accountId}@${PROJECT.id}.iam.gserviceaccount.com`
  const account = {
    name: `projects/${PROJECT.id}/serviceAccounts/${email}`, projectId: PROJECT.id, uniqueId: String(world.tick()).padStart(21, '1'), email,
    displayName: accountId, etag: Buffer.from(`sa${world.tick()}`).toString('base64'), oauth2ClientId: String(world.tick()), ...chosen,
  }
  world.resources.set(PREFIX + email, account)
  return account
}

export function iamRoutes(world: World): readonly Route[] {
  const one = '/v1/projects/{project}/serviceAccounts/{account}'
  const policyKey = (exchange: Exchange): string => `//iam.googleapis.com/${String(accountOf(world, exchange).name)}`
  const setDisabled = (disabled: boolean) => (exchange: Exchange): Answer => {
    keep(world, { ...accountOf(world, exchange), disabled })
    return { json: {} }
  }
  return [
    { verb: 'GET', template: '/v1/projects/{project}/serviceAccounts', handle: (exchange) => listAccounts(world, exchange) },
    { verb: 'POST', template: '/v1/projects/{project}/serviceAccounts', handle: (exchange) => createAccount(world, exchange) },
    { verb: 'GET', template: one, handle: (exchange) => ({ json: accountOf(world, exchange) }) },
    { verb: 'PATCH', template: one, handle: (exchange) => ({ json: keep(world, merged(accountOf(world, exchange), fieldsAt(exchange.json(), 'serviceAccount'))) }) },
    { verb: 'DELETE', template: one, handle: (exchange) => {
      world.resources.delete(PREFIX + String(accountOf(world, exchange).email))
      return { json: {} }
    } },
    { verb: 'POST', template: `${one}:disable`, handle: setDisabled(true) },
    { verb: 'POST', template: `${one}:enable`, handle: setDisabled(false) },
    { verb: 'POST', template: `${one}:getIamPolicy`, handle: (exchange) => ({ json: world.policies.get(policyKey(exchange)) }) },
    { verb: 'POST', template: `${one}:setIamPolicy`, handle: (exchange) => ({ json: world.policies.set(policyKey(exchange), fieldsAt(exchange.json(), 'policy'), concurrentPolicyChange) }) },
    { verb: 'POST', template: `${one}:testIamPermissions`, handle: (exchange) => {
      accountOf(world, exchange)
      return { json: { permissions: heldPermissions(exchange.json()) } }
    } },
    { verb: 'GET', template: `${one}/keys`, handle: (exchange) => ({ json: { keys: [{ name: `${String(accountOf(world, exchange).name)}/keys/systemmanaged`, keyAlgorithm: 'KEY_ALG_RSA_2048', keyOrigin: 'GOOGLE_PROVIDED', keyType: 'SYSTEM_MANAGED' }] } }) },
    { verb: 'POST', template: `${one}/keys`, handle: (exchange) => ({ json: mintKey(world, accountOf(world, exchange)) }) },
  ]
}

export function iamCredentialsRoutes(world: World): readonly Route[] {
  const one = '/v1/projects/-/serviceAccounts/{account}'
  const expireTime = (): string => new Date(world.clock.now() + 3_600_000).toISOString()
  return [
    { verb: 'POST', template: `${one}:generateAccessToken`, handle: (exchange) => {
      accountOf(world, exchange)
      return { json: { accessToken: `ya29.${CREDENTIAL_CANARY}-${randomUUID()}`, expireTime: expireTime() } }
    } },
    { verb: 'POST', template: `${one}:signBlob`, handle: (exchange) => {
      accountOf(world, exchange)
      return { json: { keyId: 'sandbox', signedBlob: Buffer.from(CREDENTIAL_CANARY).toString('base64') } }
    } },
  ]
}

function accountOf(world: World, { params }: Exchange): Fields {
  const wanted = params.account ?? ''
  const found = world.resources.get(PREFIX + wanted) ?? accounts(world).find(({ uniqueId }) => uniqueId === wanted)
  if (found === undefined) throw notFound(`Unknown service account: ${wanted}`)
  return found
}

function accounts(world: World): readonly Fields[] {
  return [...world.resources].flatMap(([key, value]) => key.startsWith(PREFIX) ? [value] : [])
}

function keep(world: World, account: Fields): Fields {
  world.resources.set(PREFIX + String(account.email), account)
  return account
}

function listAccounts(world: World, { query }: Exchange): Answer {
  const { items, next } = pageOf(accounts(world), query, 'pageSize', 100)
  return { json: { accounts: items, ...(next === undefined ? {} : { nextPageToken: next }) } }
}

function createAccount(world: World, { json }: Exchange): Answer {
  const body = json()
  const accountId = textAt(body, 'accountId') ?? ''
  if (!/^[a-z][a-z0-9-]{4,28}[a-z0-9]$/.test(accountId)) throw invalid(`Invalid account id ${accountId}: 6 to 30 lower-case letters, digits and dashes.`)
  if (world.resources.has(`${PREFIX}${accountId}@${PROJECT.id}.iam.gserviceaccount.com`)) throw alreadyThere(`Service account ${accountId} already exists within project projects/${PROJECT.id}.`)
  const chosen = isFields(body.serviceAccount) ? body.serviceAccount : {}
  return { json: addServiceAccount(world, accountId, Object.fromEntries(Object.entries(chosen).filter(([name]) => name === 'displayName' || name === 'description'))) }
}

/** Shaped like a real answer, so that a leak would look like one; the key itself is a canary. */
function mintKey(world: World, account: Fields): Fields {
  const id = randomUUID().replaceAll('-', '')
  const pem = ['BEGIN', 'END'].map((edge) => `-----${edge} PRIVATE KEY-----`).join(`\n${CREDENTIAL_CANARY}\n`)
  const file = { type: 'service_account', project_id: PROJECT.id, private_key_id: id, private_key: pem, client_email: account.email }
  return {
    name: `${String(account.name)}/keys/${id}`, privateKeyType: 'TYPE_GOOGLE_CREDENTIALS_FILE', keyAlgorithm: 'KEY_ALG_RSA_2048', keyOrigin: 'GOOGLE_PROVIDED', keyType: 'USER_MANAGED',
    privateKeyData: Buffer.from(JSON.stringify(file)).toString('base64'), validAfterTime: world.timestamp(), validBeforeTime: '9999-12-31T23:59:59Z',
  }
}
