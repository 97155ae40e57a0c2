import assert from 'node:assert/strict'
import { listenFor, type AdminListener, type Answered } from './testing/admin-listener.ts'
import { HEAD, policySets, type SetEntry } from './set-history.ts'
import { AGENT, callOf, casesYaml, openWorld, policyYaml, targetsYaml, type World } from './testing/world.ts'

describe('pushed policy sets', () => {
  let world: World
  let admin: AdminListener
  const effect = () => world.reader.current()?.decide(AGENT, callOf('storage.objects.get')).effect
  const set = (wanted: string, more: Readonly<Record<string, string>> = {}) => ({ 'a.yaml': policyYaml('a', wanted), ...more })
  const push = (files: Readonly<Record<string, string>>, replaces: number, query = '', by = 'ann'): Promise<Answered> =>
    admin.ask('PUT', `/v1/policies${query}`, { files, by, note: 'why' }, replaces === 0 ? { 'if-none-match': '*' } : { 'if-match': `"${replaces}"` })

  beforeEach(async () => {
    world = await openWorld({}, { pushed: true, pollMs: 250 })
    await world.service.start()
    admin = await listenFor(world.service)
  })
  afterEach(async () => {
    await admin.close()
    await world.close()
  })

  it('nothing is in force until somebody pushes', async () => {
    const { etag, body } = await admin.ask('GET', '/v1/policies')
    assert.equal(etag, '"0"')
    assert.deepEqual(body, { source: 'pushed', files: {} })
    assert.equal(world.service.status().pointer, undefined)
    assert.equal(effect(), undefined)
  })

  it('a sound set is in force within a second, with its number, who pushed it, and one fact', async () => {
    const from = performance.now()
    const { status, etag, body } = await push(set('allow', { 'a.cases.yaml': casesYaml('allow') }), 0)
    assert.equal(status, 200)
    assert.equal(etag, '"1"')
    await world.reader.ready
    assert.equal(effect(), 'allow')
    assert.ok(performance.now() - from < 1_000)
    const { number, by, note, bundle } = body.set as SetEntry
    assert.deepEqual([number, by, note, body.cases], [1, 'ann', 'why', 1])
    const [fact] = await world.facts.count(1)
    assert.equal(fact?.type, 'policy.published')
    assert.equal((fact.data as { by: string }).by, 'ann')
    assert.equal(bundle, world.reader.current()?.version)
    assert.deepEqual((await admin.ask('GET', '/v1/policies')).body.files, set('allow', { 'a.cases.yaml': casesYaml('allow') }))
  })

  it('every set that was in force is listed and can be had again; pushing an old one goes back to it', async () => {
    for (const [at, wanted] of ['allow', 'deny', 'approve'].entries()) await push(set(wanted), at)
    const { body } = await admin.ask('GET', '/v1/policies/versions?limit=2')
    assert.deepEqual((body.versions as SetEntry[]).map(({ number }) => number), [3, 2])
    const rest = await admin.ask('GET', `/v1/policies/versions?limit=2&cursor=${encodeURIComponent(String(body.cursor))}`)
    assert.deepEqual((rest.body.versions as SetEntry[]).map(({ number }) => number), [1])
    const first = await admin.ask('GET', '/v1/policies/versions/1')
    assert.equal((await push(first.body.files as Record<string, string>, 3)).etag, '"4"')
    await world.inForce.until((all) => all.at(-1)?.version === (first.body.set as SetEntry).bundle)
    assert.equal(effect(), 'allow')
    assert.equal((await admin.ask('GET', '/v1/policies/versions/99')).status, 404)
    assert.equal((await admin.ask('GET', '/v1/policies/versions/x')).status, 400)
  })

  it('a push over a set that its pusher has not seen is refused and says who was faster and what changed', async () => {
    await push(set('allow'), 0)
    await push(set('deny'), 1, '', 'bob')
    for (const replaces of [0, 1, 7]) {
      const { status, body } = await push(set('approve'), replaces)
      assert.equal(status, 412)
      assert.match(String(body.detail), /set 2 by bob/)
      if (replaces === 1) assert.match(String(body.detail), /a\/all changed: effect: allow → deny/)
    }
    assert.equal((await push(set('approve'), 2)).status, 200)
  })

  it('of two pushes at the same moment one wins, also between two instances', async () => {
    const other = world.another()
    await other.start()
    const beside = await listenFor(other)
    await push(set('allow'), 0)
    const answers = await Promise.all([push(set('deny'), 1), beside.ask('PUT', '/v1/policies', { files: set('approve'), by: 'bob' }, { 'if-match': '"1"' })])
    assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 412])
    const winner = answers[0]?.status === 200 ? 'deny' : 'approve'
    await world.inForce.until((all) => all.at(-1)?.decide(AGENT, callOf('storage.objects.get')).effect === winner)
    await Promise.all([other.scan(), world.service.scan()])
    assert.deepEqual(other.status().pointer, world.service.status().pointer)
    await beside.close()
    await other.drain()
  })

  it('the same set again is no new one', async () => {
    await push(set('allow'), 0)
    const { body, etag } = await push(set('allow'), 1)
    assert.deepEqual([body.published, etag], [false, '"1"'])
  })

  const unsound: readonly (readonly [string, Readonly<Record<string, string>>, RegExp])[] = [
    ['no YAML', { 'a.yaml': 'rules: [' }, /a\.yaml:1:/],
    ['an unknown method', { 'a.yaml': policyYaml('a', 'allow', '  - { name: t, methods: [nope.nope], effect: deny }\n') }, /matches no known method/],
    ['a case that fails', set('allow', { 'a.cases.yaml': casesYaml('deny') }), /a\.cases\.yaml:4: case fails: reading: wanted deny, got allow by a\/all/],
    ['cases of another form', set('allow', { 'a.cases.yaml': 'apiVersion: x' }), /a\.cases\.yaml:1:/],
    ['no policy', { 'a.cases.yaml': casesYaml('allow') }, /holds no policy/],
    ['a name that leads elsewhere', { '../a.yaml': policyYaml('a', 'allow') }, /the name must be/],
    ['a name that hides', { '.a.yaml': policyYaml('a', 'allow') }, /the name must be/],
    ['two target files', set('allow', { 'targets.yaml': targetsYaml(['g', 'g.example.com']), 'targets.yml': targetsYaml(['g', 'g.example.com']) }), /keep one/],
    ['targets of another form', set('allow', { 'targets.yaml': targetsYaml(['g', 'g.example.com']).replace('hosts', 'hots') }), /targets\.yaml:\d+:\d+: targets\[0\]/],
    ['a target twice', set('allow', { 'targets.yaml': targetsYaml(['g', 'a.example.com'], ['g', 'b.example.com']) }), /another target has this name/],
    ['a real credential in the sandbox', set('allow', { 'targets.yaml': targetsYaml(['g', 'g.example.com']).replace('{ secret: s }', '{ adc: true }') }), /real credential/],
    ['a file path where certificates should stand', set('allow', { 'targets.yaml': targetsYaml(['g', 'g.example.com']).replace('credential:', 'certificateAuthority: /etc/passwd, credential:') }), /certificates in PEM/],
  ]
  for (const [title, files, pattern] of unsound) {
    it(`a set with ${title} is refused whole and leaves the old one in force`, async () => {
      await push(set('approve'), 0)
      for (const query of ['?dryRun=true', '']) {
        const { status, type, body } = await push(files, 1, query)
        assert.equal(status, 422, JSON.stringify(body))
        assert.match(type, /problem\+json/)
        assert.match(String(body.detail), pattern)
      }
      assert.equal((await admin.ask('GET', '/v1/policies')).etag, '"1"')
      assert.equal(world.service.status().pointer?.sequence, 1)
    })
  }

  it('a dry run says what would change and changes nothing', async () => {
    await push(set('allow'), 0)
    const { status, body } = await push(set('deny', { 'b.yaml': policyYaml('b', 'allow') }), 1, '?dryRun=true')
    assert.equal(status, 200)
    assert.deepEqual((body.changes as { rule: string, change: string }[]).map(({ rule, change }) => `${change} ${rule}`), ['changed a/all', 'added b/all'])
    assert.equal((await admin.ask('GET', '/v1/policies')).etag, '"1"')
    assert.equal(world.service.status().pointer?.sequence, 1)
  })

  it('a set without cases is told that nothing vouches for it', async () => {
    assert.match(String((await push(set('allow'), 0)).body.hint), /no cases/)
  })

  const refused: readonly (readonly [string, object, Readonly<Record<string, string>>, string, number])[] = [
    ['without If-Match', { files: { 'a.yaml': '' }, by: 'x' }, {}, '', 428],
    ['with If-Match: *', { files: { 'a.yaml': '' }, by: 'x' }, { 'if-match': '*' }, '', 428],
    ['with both conditions', { files: { 'a.yaml': '' }, by: 'x' }, { 'if-match': 'x', 'if-none-match': '*' }, '', 428],
    ['with a weak tag', { files: { 'a.yaml': '' }, by: 'x' }, { 'if-match': 'W/"0"' }, '', 428],
    ['by nobody', { files: { 'a.yaml': '' } }, { 'if-none-match': '*' }, '', 400],
    ['with an unknown member', { files: {}, by: 'x', force: true }, { 'if-none-match': '*' }, '', 400],
    ['with a file that is no text', { files: { 'a.yaml': 1 }, by: 'x' }, { 'if-none-match': '*' }, '', 400],
    ['with a dryRun that is neither true nor false', { files: { 'a.yaml': '' }, by: 'x' }, { 'if-none-match': '*' }, '?dryRun=yes', 400],
  ]
  for (const [title, body, headers, query, wanted] of refused) {
    it(`a push ${title} is refused`, async () => assert.equal((await admin.ask('PUT', `/v1/policies${query}`, body, headers)).status, wanted))
  }

  it('after a restart the newest set is in force, with nothing published again', async () => {
    await push(set('allow'), 0)
    await world.reader.ready
    const service = await world.restart()
    assert.equal(service.status().pointer?.sequence, 1)
    assert.equal(service.status().pointer?.by, 'ann')
  })

  const tampering: readonly (readonly [string, (entry: SetEntry) => SetEntry, RegExp])[] = [
    ['names other files', (entry) => ({ ...entry, version: 'f'.repeat(64) }), /signature is not sound/],
    ['says another pusher', (entry) => ({ ...entry, by: 'eve' }), /signature is not sound/],
    ['is signed by nobody that is known', (entry) => ({ ...entry, keyId: 'other' }), /not trusted/],
  ]
  for (const [title, change, pattern] of tampering) {
    it(`an entry that was changed in the store, so that it ${title}, is not obeyed`, async () => {
      await push(set('allow'), 0)
      const [head] = await world.store.documents.read([HEAD])
      await world.store.documents.transact([HEAD], () => ({ writes: [{ kind: 'put', ref: HEAD, data: change(head?.data as SetEntry) }], facts: [], result: true }))
      await world.service.scan()
      assert.match(world.service.status().problems[0]?.message ?? '', pattern)
      assert.equal(world.service.status().pointer?.sequence, 1)
      assert.equal((await admin.ask('GET', '/v1/policies')).status, 500)
      assert.equal((await push(set('deny'), 1)).status, 200)
      assert.deepEqual(world.service.status().problems, [])
    })
  }

  it('an old entry that comes back as the newest is not obeyed', async () => {
    await push(set('allow'), 0)
    await push(set('deny'), 1)
    const old = { collection: policySets, id: 'v1' }
    const [entry] = await world.store.documents.read([old])
    await world.store.documents.transact([HEAD], () => ({ writes: [{ kind: 'put', ref: HEAD, data: { ...entry?.data as SetEntry, kind: 'head' } }], facts: [], result: true }))
    await world.service.scan()
    assert.match(world.service.status().problems[0]?.message ?? '', /older than one that was in force/)
    await world.inForce.until((all) => all.at(-1)?.decide(AGENT, callOf('storage.objects.get')).effect === 'deny')
    assert.equal(effect(), 'deny')
  })
})

describe('a folder of policies over the API', () => {
  it('can be read and not pushed to', async () => {
    const world = await openWorld({ 'a.yaml': policyYaml('a', 'allow') })
    await world.service.start()
    const admin = await listenFor(world.service)
    assert.deepEqual((await admin.ask('GET', '/v1/policies')).body, { source: 'folder', files: { 'a.yaml': policyYaml('a', 'allow') } })
    assert.equal((await admin.ask('PUT', '/v1/policies', { files: {}, by: 'x' }, { 'if-none-match': '*' })).status, 409)
    await admin.close()
    await world.close()
  })
})
