import assert from 'node:assert/strict'
import type { Person } from '@lockkeeper/domain'
import { aPerson } from '@lockkeeper/testkit'
import { describe, it } from 'mocha'
import { directory, person } from '../test/harness.ts'
import type { Requester } from './approval-case.ts'
import { electorsOf, route, type Proven, type RoutingTerms } from './routing.ts'

const people = directory([
  aPerson({ id: 'ana', identities: [{ issuer: 'idp', subject: 'u-ana' }, { email: 'ana@acme.test' }] }),
  aPerson({ id: 'bo', identities: [{ github: 'bo-gh' }] }),
  aPerson({ id: 'cy', identities: [] }),
  aPerson({ id: 'off', disabled: true, identities: [{ email: 'off@acme.test' }] }),
  aPerson({ id: 'out', groups: ['oncall'], identities: [] }),
] satisfies Person[])

const requester = (changes: Partial<Requester> = {}): Requester => ({ issuer: 'idp', subject: 'bot', id: 'bot', run: 'r', sponsor: 'u-ana', chain: [], ...changes })

interface Case { readonly title: string, readonly requester?: Partial<Requester>, readonly terms?: Partial<RoutingTerms>, readonly self?: boolean, readonly outside?: string[], readonly proven?: Proven[], readonly eligible: string[], readonly quorum?: number, readonly unroutable?: true }
const CASES: readonly Case[] = [
  { title: 'without named reviewers the group approvers decides, without the sponsor and the disabled', eligible: ['bo', 'cy'] },
  { title: 'named persons and groups are united, and each counts once', terms: { reviewers: ['person:bo', 'group:oncall', 'person:bo'] }, eligible: ['bo', 'out'] },
  { title: 'the sponsor named as reviewer is not eligible', terms: { reviewers: ['person:ana', 'person:bo'] }, eligible: ['bo'] },
  { title: 'the sponsor alone as reviewer makes it unroutable', terms: { reviewers: ['person:ana'] }, eligible: [], unroutable: true },
  { title: 'a sponsor known by e-mail address is excluded', requester: { sponsor: 'ana@acme.test' }, eligible: ['bo', 'cy'] },
  { title: 'a sponsor known by GitHub login is excluded', requester: { sponsor: 'bo-gh' }, eligible: ['ana', 'cy'] },
  { title: 'a sponsor that the proxy resolved is excluded, and so is whom the text names', requester: { sponsorPerson: person('bo') }, eligible: ['cy'] },
  { title: 'a chain member that the proxy resolved is excluded', requester: { chain: [{ subject: 'x', person: person('cy') }] }, eligible: ['bo'] },
  { title: 'a chain member known by its subject is excluded', requester: { sponsor: 'bo-gh', chain: [{ issuer: 'idp', subject: 'u-ana' }] }, eligible: ['cy'] },
  { title: 'a chain member known by e-mail address is excluded', requester: { sponsor: 'bo-gh', chain: [{ subject: 'ana@acme.test' }] }, eligible: ['cy'] },
  { title: 'an agent whose own identity is a person\'s is not approved by that person', requester: { subject: 'u-ana', sponsor: 'bo-gh' }, eligible: ['cy'] },
  { title: 'an unknown sponsor needs two persons', requester: { sponsor: 'nobody' }, eligible: ['ana', 'bo', 'cy'], quorum: 2 },
  { title: 'no sponsor at all needs two persons', requester: { sponsor: undefined }, eligible: ['ana', 'bo', 'cy'], quorum: 2 },
  { title: 'a sponsor person that no directory knows needs two persons', requester: { sponsor: undefined, sponsorPerson: person('ghost') }, eligible: ['ana', 'bo', 'cy'], quorum: 2 },
  { title: 'an unknown sponsor and one reviewer is unroutable', requester: { sponsor: 'nobody' }, terms: { reviewers: ['person:bo'] }, eligible: ['bo'], quorum: 2, unroutable: true },
  { title: 'a higher quorum stays', requester: { sponsor: 'nobody' }, terms: { quorum: 3 }, eligible: ['ana', 'bo', 'cy'], quorum: 3 },
  { title: 'a quorum that cannot be reached is unroutable', terms: { quorum: 3 }, eligible: ['bo', 'cy'], quorum: 3, unroutable: true },
  { title: 'a disabled sponsor is still the sponsor', requester: { sponsor: 'off@acme.test' }, eligible: ['ana', 'bo', 'cy'] },
  { title: 'unknown persons and groups resolve to nobody', terms: { reviewers: ['person:ghost', 'group:ghosts'] }, eligible: [], unroutable: true },
  { title: 'a reviewer of unknown kind resolves to nobody', terms: { reviewers: ['bo', 'role:bo', 'email:ana@acme.test'] }, eligible: [], unroutable: true },
  { title: 'a disabled reviewer does not count', terms: { reviewers: ['person:off', 'person:bo'] }, eligible: ['bo'] },
  { title: 'a quorum below one is one', terms: { quorum: 0 }, eligible: ['bo', 'cy'] },
  { title: 'a group of an identity provider is open to whom a token proves as its member', terms: { reviewers: ['group:sre'] }, outside: ['sre'], proven: [{ person: person('bo'), groups: ['sre'] }, { person: person('cy'), groups: ['dev'] }], eligible: ['bo'] },
  { title: 'a group of an identity provider is routable although nobody is known in it', terms: { reviewers: ['group:sre'] }, outside: ['sre'], eligible: [] },
  { title: 'a group that a token names and no setting does is nobody\'s', terms: { reviewers: ['group:sre'] }, proven: [{ person: person('bo'), groups: ['sre'] }], eligible: [], unroutable: true },
  { title: 'a member of a group of an identity provider who is the sponsor is not eligible', terms: { reviewers: ['group:sre'] }, outside: ['sre'], proven: [{ person: person('ana'), groups: ['sre'] }], eligible: [] },
  { title: 'a disabled member of a group of an identity provider is not eligible', terms: { reviewers: ['group:sre'] }, outside: ['sre'], proven: [{ person: person('off'), groups: ['sre'] }], eligible: [] },
  { title: 'self-approval lets the sponsor decide alone', terms: { reviewers: ['person:ana'] }, self: true, eligible: ['ana'] },
]

describe('routing', () => {
  for (const { title, requester: who, terms, self = false, outside = [], proven = [], eligible, quorum = 1, unroutable } of CASES) {
    it(`invariant 6: ${title}`, () => {
      const found = route({ people, selfApproval: self, outsideGroups: new Set(outside) }, requester(who), { reviewers: [], quorum: 1, ...terms }, proven)
      assert.deepEqual([...found.eligible].sort(), eligible)
      assert.equal(found.quorum, quorum)
      assert.equal(found.unroutable !== undefined, unroutable === true)
    })
  }

  const RIGHTS = { people, selfApproval: false, outsideGroups: new Set<string>() }
  const TERMS = { reviewers: ['person:bo'], quorum: 1, reasonRequired: false, escalate: { afterMs: 1, reviewers: ['group:oncall', 'person:ana'] }, breakGlass: ['person:cy', 'person:ana', 'person:off'] }
  const eligibleOf = (escalatedAt?: number): readonly string[] => [...electorsOf(RIGHTS, { requester: requester(), terms: TERMS, votes: [], ...escalatedAt === undefined ? {} : { escalatedAt } }).electorate.eligible]

  it('invariant 6: escalation adds persons, and never a requester', () => {
    assert.deepEqual(eligibleOf(), ['bo'])
    assert.deepEqual(eligibleOf(1), ['bo', 'out'])
  })

  it('invariant 6: break-glass is for whom the rule names, not for requesters, not for the disabled, and takes two for an unknown sponsor', () => {
    const glass = (who: Partial<Requester>) => electorsOf(RIGHTS, { requester: requester(who), terms: TERMS, votes: [] }).glass
    assert.deepEqual([[...glass({})?.eligible ?? []], glass({})?.quorum], [['cy'], 1])
    assert.equal(glass({ sponsor: 'nobody' })?.quorum, 2)
    assert.equal(electorsOf(RIGHTS, { requester: requester(), terms: { reviewers: [], quorum: 1, reasonRequired: false }, votes: [] }).glass, undefined)
  })
})
