import assert from 'node:assert/strict'
import type { Agent, Person, PersonId } from '@lockkeeper/domain'
import { isRefusal, type Refusal } from '@lockkeeper/domain/errors'
import { manualClock } from '@lockkeeper/testkit'
import { createPeopleDirectory } from './people.ts'
import type { IssuerSettings } from './settings.ts'
import { createPair, signToken, type SigningPair } from './testing/loopback-issuer.ts'
import { createVerifier } from './verifier.ts'

const ISSUER = 'https://ci.example'
const GITHUB = 'https://token.actions.githubusercontent.com'
const person = (id: string, identities: Person['identities'], extra: Partial<Person> = {}): Person => ({ id: id as PersonId, name: id, groups: [], identities, ...extra })
const people = createPeopleDirectory([
  person('ada', [{ issuer: ISSUER, subject: 'user-ada' }, { github: 'Ada-L' }, { email: 'ada@acme.example' }]),
  person('bob', [{ issuer: 'ci', subject: 'user-bob' }, { issuer: 'https://people.example', subject: 'bob' }]),
  person('ian', [{ issuer: ISSUER, subject: 'user-ian' }, { issuer: 'ci', subject: 'user-ian' }]),
  person('eve', [{ issuer: 'ci', subject: 'user-ada-too' }]),
  person('eva', [{ issuer: ISSUER, subject: 'user-ada-too' }]),
])

describe('auth: from claims to an agent', () => {
  let pair: SigningPair
  const clock = manualClock()
  const seconds = Math.floor(clock.now() / 1000)

  before(async () => { pair = await createPair('key') })

  const identify = async (claims: Record<string, unknown>, agent: IssuerSettings['agent'], extra: Partial<IssuerSettings> = {}): Promise<Agent | Refusal> => {
    const settings: IssuerSettings = { name: 'ci', issuer: ISSUER, audience: 'lockkeeper', jwks: { keys: [pair.jwk] }, agent, ...extra }
    const verifier = createVerifier({ issuers: [settings], people, clock, mode: 'real' })
    return verifier.verifyToken(await signToken(pair, { iss: settings.issuer, aud: 'lockkeeper', sub: 'agent-7', exp: seconds + 60, jti: 'j-1', ...claims }))
  }
  const accept = async (...args: Parameters<typeof identify>): Promise<Agent> => {
    const agent = await identify(...args)
    assert.ok(!isRefusal(agent), isRefusal(agent) ? `${agent.message} ${agent.detail ?? ''}` : '')
    return agent
  }

  it('id, run, sponsor and labels are what the settings make of the claims', async () => {
    const agent = await accept({ repository: 'acme/shop', run_id: '42', user: 'user-ada', level: 'high' }, {
      id: 'claims.repository', run: '"run-" + claims.run_id', sponsor: 'claims.user', labels: { trust: 'claims.level', none: '""' },
    })
    assert.deepEqual([agent.id, agent.run, agent.sponsor, agent.sponsorPerson, agent.labels], ['acme/shop', 'run-42', 'user-ada', 'ada', { trust: 'high' }])
  })

  it('without a mapping the run is the token\'s id, else its subject', async () => {
    assert.equal((await accept({}, { id: 'claims.sub' })).run, 'j-1')
    assert.equal((await accept({ jti: undefined }, { id: 'claims.sub' })).run, 'agent-7')
    assert.equal((await accept({ run: '' }, { id: 'claims.sub', run: 'claims.run' })).run, 'j-1')
  })

  describe('a token whose claims give no usable word is refused', () => {
    const hostile: Readonly<Record<string, readonly [Record<string, unknown>, IssuerSettings['agent']]>> = {
      'a claim that is not there': [{}, { id: 'claims.repository' }],
      'an empty id': [{ name: '' }, { id: 'claims.name' }],
      'an id that is a number': [{ name: 7 }, { id: 'claims.name' }],
      'an id that is a list': [{ name: ['a'] }, { id: 'claims.name' }],
      'an id that is null': [{ name: null }, { id: 'claims.name' }],
      'an id of 257 characters': [{ name: 'a'.repeat(257) }, { id: 'claims.name' }],
      'an id with a line break': [{ name: 'a\nINFO all is well' }, { id: 'claims.name' }],
      'an id with a terminal escape': [{ name: '\u001b[2J' }, { id: 'claims.name' }],
      'an id with a direction override': [{ name: 'a\u202egpj' }, { id: 'claims.name' }],
      'an id with a zero-width space': [{ name: 'a\u200bb' }, { id: 'claims.name' }],
      'a run that is not there': [{}, { id: 'claims.sub', run: 'claims.run' }],
      'a token id that is a number': [{ jti: 7 }, { id: 'claims.sub' }],
      'a sponsor that is not there': [{}, { id: 'claims.sub', sponsor: 'claims.user' }],
      'a label that is not there': [{}, { id: 'claims.sub', labels: { a: 'claims.a' } }],
      'a label of 257 characters': [{ a: 'a'.repeat(257) }, { id: 'claims.sub', labels: { a: 'claims.a' } }],
    }
    for (const [what, [claims, agent]] of Object.entries(hostile)) {
      it(what, async () => {
        const refusal = await identify(claims, agent)
        assert.ok(isRefusal(refusal))
        assert.equal(refusal.reason, 'TOKEN_INVALID')
        assert.match(refusal.message, /agent\.|jti/)
      })
    }
  })

  describe('requirements', () => {
    const require = ['claims.repository_owner == "acme"', 'claims.ref.startsWith("refs/heads/")']
    it('a token that meets all of them is accepted', async () => { await accept({ repository_owner: 'acme', ref: 'refs/heads/main' }, { id: 'claims.sub' }, { require }) })
    const unmet: Readonly<Record<string, readonly [Record<string, unknown>, RegExp]>> = {
      'another owner': [{ repository_owner: 'evil', ref: 'refs/heads/main' }, /requirement 1/],
      'a claim that is not there': [{ repository_owner: 'acme' }, /requirement 2/],
      'a claim of another type': [{ repository_owner: 'acme', ref: 7 }, /requirement 2/],
    }
    for (const [what, [claims, message]] of Object.entries(unmet)) {
      it(`${what} is refused, and the text does not show the settings`, async () => {
        const refusal = await identify(claims, { id: 'claims.sub' }, { require })
        assert.ok(isRefusal(refusal))
        assert.match(refusal.message, message)
        assert.ok(!refusal.message.includes('acme'))
      })
    }
  })

  describe('invariant 6: sponsors and chain members resolve to Persons', () => {
    const sponsors: Readonly<Record<string, readonly [Record<string, unknown>, string | undefined]>> = {
      'a subject under the issuer\'s URL': [{ user: 'user-ada' }, 'ada'],
      'a subject under the issuer\'s name': [{ user: 'user-bob' }, 'bob'],
      'a subject that one person lists under both': [{ user: 'user-ian' }, 'ian'],
      'a subject that two persons claim, by URL and by name': [{ user: 'user-ada-too' }, undefined],
      'a subject of another issuer': [{ user: 'bob' }, undefined],
      'an e-mail address, in any case': [{ user: 'Ada@ACME.example' }, 'ada'],
      'an e-mail address that the token calls unverified': [{ user: 'ada@acme.example', email_verified: false }, undefined],
      'a GitHub login of an issuer that is not GitHub': [{ user: 'Ada-L' }, undefined],
    }
    for (const [what, [claims, expected]] of Object.entries(sponsors)) {
      it(`${what}: ${expected ?? 'nobody'}`, async () => {
        const agent = await accept(claims, { id: 'claims.sub', sponsor: 'claims.user' })
        assert.equal(agent.sponsorPerson, expected)
        assert.equal(agent.sponsor, claims.user)
      })
    }

    it('GitHub\'s actor is a login, in any case, and the sponsor even where the settings name none', async () => {
      const agent = await accept({ actor: 'ada-l' }, { id: 'claims.sub' }, { issuer: GITHUB, name: 'github' })
      assert.deepEqual([agent.sponsor, agent.sponsorPerson], ['ada-l', 'ada'])
      const enterprise = await accept({ actor: 'ada-l' }, { id: 'claims.sub', sponsor: 'claims.actor' }, { issuer: `${GITHUB}/acme`, name: 'github' })
      assert.equal(enterprise.sponsorPerson, 'ada')
    })

    it('an issuer that only looks like GitHub\'s does not speak of GitHub logins', async () => {
      const agent = await accept({ actor: 'ada-l' }, { id: 'claims.sub', sponsor: 'claims.actor' }, { issuer: `${GITHUB}.evil.example`, name: 'github' })
      assert.equal(agent.sponsorPerson, undefined)
    })

    it('a person\'s own token lent to an agent: the person is the sponsor and closes the chain', async () => {
      const agent = await accept({ sub: 'user-ada', act: { sub: 'agent-9' } }, { id: 'claims.act.sub' })
      assert.deepEqual([agent.sponsor, agent.sponsorPerson], ['user-ada', 'ada'])
      assert.deepEqual(agent.chain, [{ subject: 'agent-9' }, { issuer: ISSUER, subject: 'user-ada', person: 'ada' }])
    })

    it('a chain is read outermost first, each actor under its own issuer', async () => {
      const act = { sub: 'outer', act: { sub: 'user-bob', iss: ISSUER, act: { sub: 'bob', iss: 'https://people.example', act: { sub: 'bob', iss: 'https://elsewhere.example' } } } }
      const agent = await accept({ act }, { id: 'claims.sub' })
      assert.deepEqual(agent.chain, [
        { subject: 'outer' }, { issuer: ISSUER, subject: 'user-bob', person: 'bob' },
        { issuer: 'https://people.example', subject: 'bob', person: 'bob' }, { issuer: 'https://elsewhere.example', subject: 'bob' },
      ])
    })

    const nested = (depth: number): unknown => depth === 0 ? undefined : { sub: `a${depth}`, act: nested(depth - 1) }
    it('a chain of ten actors is read', async () => { assert.equal((await accept({ act: nested(10) }, { id: 'claims.sub' })).chain.length, 10) })

    const broken: Readonly<Record<string, unknown>> = {
      'eleven actors': nested(11), 'a text': 'agent-9', 'null': null, 'a list': [{ sub: 'a' }], 'no subject': {}, 'an empty subject': { sub: '' }, 'a subject that is a number': { sub: 7 },
      'an issuer that is a number': { sub: 'a', iss: 7 }, 'a broken inner actor': { sub: 'a', act: 'b' }, 'a line break': { sub: 'a\nb' },
    }
    for (const [what, act] of Object.entries(broken)) {
      it(`a chain with ${what} is refused`, async () => {
        const refusal = await identify({ act }, { id: 'claims.sub' })
        assert.ok(isRefusal(refusal))
        assert.match(refusal.message, /delegation chain/)
      })
    }
  })
})
