import assert from 'node:assert/strict'
import { refuse } from '@lockkeeper/domain/errors'
import type { AccessRequest } from '@lockkeeper/domain/ports'
import { after, before, describe, it } from 'mocha'
import { disable, granted, openWorld, person, refusedWith, type World } from '../test/harness.ts'
import { groupsIn, type GroupClaim } from './group-claims.ts'

const ISSUER = 'https://idp.acme.test'
const SETTINGS: readonly GroupClaim[] = [
  { issuer: ISSUER, claim: 'groups', groups: { 'sre@acme.test': 'oncall', 'leads@acme.test': 'leads' } },
  { issuer: 'https://other.test', claim: 'roles', groups: { admin: 'leads' } },
]

describe('groups from an approver\'s identity provider', () => {
  const NAMED: readonly (readonly [string, object, readonly string[]])[] = [
    ['one name', { groups: 'sre@acme.test' }, ['oncall']], ['a list', { groups: ['sre@acme.test', 'x', 'leads@acme.test', 'sre@acme.test'] }, ['oncall', 'leads']], ['none', {}, []],
    ['what is no text', { groups: [7, null, { a: 1 }, ['sre@acme.test']] }, []], ['an object', { groups: { 'sre@acme.test': true } }, []], ['our own name', { groups: ['oncall'] }, []],
    ['another case', { groups: ['SRE@acme.test'] }, []], ['a prototype member', { groups: ['constructor', '__proto__', 'toString'] }, []], ['the claim of another issuer', { roles: ['admin'] }, []],
    ['a name beyond the thousandth', { groups: [...Array.from({ length: 1000 }, (_, index) => `g${index}`), 'sre@acme.test'] }, []],
  ]
  for (const [what, claims, wanted] of NAMED) {
    it(`a claim with ${what} names ${wanted.length === 0 ? 'no group' : wanted.join(' and ')}`, () => assert.deepEqual(groupsIn({ iss: ISSUER, ...claims }, SETTINGS), wanted))
  }
  it('the same claim of an issuer without settings names no group', () => assert.deepEqual(groupsIn({ iss: 'https://evil.test', groups: ['sre@acme.test'] }, SETTINGS), []))

  describe('in decisions', () => {
    let world: World
    before(async () => {
      world = await openWorld({ groupClaims: [...SETTINGS] }, {
        verifyIdToken: async (given, nonce) => {
          const claims = JSON.parse(Buffer.from(given.split('.')[1] ?? '', 'base64url').toString()) as { readonly sub: string, readonly nonce: string }
          return claims.nonce === nonce ? { id: person(claims.sub) } : refuse('TOKEN_INVALID', 'wrong nonce')
        },
      })
      world.people.persons.splice(0, world.people.persons.length, ...['ana', 'bo', 'cy'].map((id) => ({ id: person(id), name: id, groups: [], identities: [{ issuer: 'test', subject: id }] })))
    })
    after(() => world.close())

    let tokens = 0
    const decide = ({ id, attach: { digest } }: AccessRequest, sub: string, groups: unknown) => {
      const claims = { iss: ISSUER, sub, nonce: `approve:${id}:${digest}`, iat: world.clock.now() / 1000, auth_time: world.clock.now() / 1000, groups, jti: `${++tokens}` }
      return world.service().admin.decide({ approval: id, digest, verdict: 'approve', proof: { kind: 'idToken', token: `h.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.s` } })
    }
    const raise = (quorum = 1): Promise<AccessRequest> => world.raise({ terms: { reviewers: ['group:oncall'], quorum } })

    it('a request to a group that only the identity provider knows waits, and a member of it decides', async () => {
      const request = await raise()
      assert.equal(await world.state(request), 'pending')
      assert.equal(granted(await decide(request, 'bo', ['sre@acme.test'])).state, 'approved')
      granted(await world.claim(request))
    })

    it('invariant 6: who is of another group, or of none, does not decide, and the try is kept', async () => {
      const request = await raise()
      for (const groups of [['leads@acme.test'], [], undefined, 'oncall']) assert.equal(refusedWith(await decide(request, 'bo', groups)), 'POLICY_DENIED')
      assert.equal(granted(await world.service().admin.show(request.id)).refused.length, 4)
      assert.equal(await world.state(request), 'pending')
    })

    it('invariant 6: the sponsor does not decide, whatever groups they are in', async () => {
      assert.equal(refusedWith(await decide(await raise(), 'ana', ['sre@acme.test'])), 'POLICY_DENIED')
    })

    it('invariant 6: a member proved by an earlier vote still counts towards the quorum, and a person once', async () => {
      const request = await raise(2)
      assert.equal(granted(await decide(request, 'bo', ['sre@acme.test'])).state, 'pending')
      assert.equal(refusedWith(await decide(request, 'bo', ['sre@acme.test', 'leads@acme.test'])), 'REQUEST_INVALID')
      assert.equal(granted(await decide(request, 'cy', ['sre@acme.test'])).state, 'approved')
    })

    it('invariant 6: a member who is disabled before the claim takes their vote along', async () => {
      const request = await raise()
      granted(await decide(request, 'cy', ['sre@acme.test']))
      disable(world.people, 'cy')
      assert.equal(refusedWith(await world.claim(request)), 'STATE_CHANGED')
    })

    it('a terminal names no groups', async () => {
      assert.equal(refusedWith(await world.decide(await raise(), 'bo')), 'POLICY_DENIED')
    })
  })
})
