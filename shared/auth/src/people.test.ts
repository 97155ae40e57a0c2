import assert from 'node:assert/strict'
import type { PersonId } from '@lockkeeper/domain'
import { createPeopleDirectory, readPeople } from './people.ts'

const ada = { id: 'ada', name: 'Ada', groups: ['approvers', 'admins'], identities: [{ issuer: 'https://idp.example', subject: 'u1' }, { github: 'Ada-L' }, { email: 'ada@acme.example' }, { slack: 'U0123' }] }
const bob = { id: 'bob', name: 'Bob', disabled: true, groups: ['approvers'], identities: [{ issuer: 'https://idp.example', subject: 'u2' }] }
const document = (...people: unknown[]): unknown => ({ apiVersion: 'lockkeeper.dev/v1', kind: 'People', people })

describe('auth: people', () => {
  const read = readPeople(document(ada, bob))
  assert.ok('people' in read)
  const directory = createPeopleDirectory(read.people)

  it('a person is found by each of their identities; logins and addresses have no case', () => {
    const found = [directory.byId('ada'), directory.byIdentity('https://idp.example', 'u1'), directory.byGithub('aDA-l'), directory.byEmail('ADA@acme.example'), directory.bySlack('U0123')]
    assert.deepEqual(found.map((person) => person?.id), Array(5).fill('ada'))
  })

  it('absence is undefined, and no name is special', () => {
    for (const name of ['nobody', '__proto__', 'constructor', '']) {
      assert.equal(directory.byId(name), undefined)
      assert.equal(directory.byGithub(name), undefined)
      assert.equal(directory.byIdentity(name, 'u1'), undefined)
      assert.deepEqual(directory.group(name), [])
    }
  })

  it('a subject has case and belongs to its issuer', () => {
    assert.equal(directory.byIdentity('https://idp.example', 'U1'), undefined)
    assert.equal(directory.byIdentity('https://other.example', 'u1'), undefined)
    assert.equal(directory.byIdentity('https://idp.example"', 'u1'), undefined)
  })

  it('groups list their members in the order of the document, disabled ones too', () => {
    assert.deepEqual(directory.group('approvers'), ['ada', 'bob'])
    assert.equal(directory.byId('bob')?.disabled, true)
  })

  describe('invariant 6: an identity belongs to one person; a document that says otherwise is refused', () => {
    const pairs: Readonly<Record<string, readonly [unknown, unknown]>> = {
      'a subject': [{ issuer: 'a', subject: 'b' }, { issuer: 'a', subject: 'b' }],
      'a GitHub login in another case': [{ github: 'ada' }, { github: 'ADA' }],
      'an e-mail address in another case': [{ email: 'ada@acme.example' }, { email: 'ADA@ACME.example' }],
      'a Slack member': [{ slack: 'U1' }, { slack: 'U1' }],
    }
    for (const [what, [one, two]] of Object.entries(pairs)) {
      it(what, () => {
        const outcome = readPeople(document({ id: 'a', name: 'A', identities: [one] }, { id: 'b', name: 'B', identities: [two] }))
        assert.deepEqual(outcome, { problems: [{ path: ['people', 1, 'identities', 0], message: 'the identity already belongs to a' }] })
      })
    }
    it('an id', () => { assert.ok('problems' in readPeople(document({ id: 'a', name: 'A' }, { id: 'a', name: 'B' }))) })
    it('a directory made without the check refuses as well', () => {
      const twin = { id: 'a' as PersonId, name: 'A', groups: [], identities: [{ github: 'x' }] }
      assert.throws(() => createPeopleDirectory([twin, { ...twin, id: 'b' as PersonId }]), TypeError)
    })
  })

  it('every problem of a document is reported at once, with its place', () => {
    const outcome = readPeople({ apiVersion: 'lockkeeper.dev/v2', kind: 'People', people: [{ id: 'Ada!', name: '', identities: [{ githubb: 'x' }], admin: true }], more: 1 })
    assert.ok('problems' in outcome)
    const places = outcome.problems.map(({ path }) => path.join('.'))
    for (const place of ['apiVersion', 'people.0.id', 'people.0.name', 'people.0.identities.0', 'people.0', '']) assert.ok(places.includes(place), `${place} in ${places.join(' ')}`)
  })
})
