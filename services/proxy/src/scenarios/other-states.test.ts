import assert from 'node:assert/strict'
import { digestOf, unboundCall } from '@lockkeeper/domain/digest'
import type { AccessRequest } from '@lockkeeper/domain/ports'
import type { RuleDocument } from '@lockkeeper/policy-engine'
import { call, type Response } from '../testing/raw-client.ts'
import { startTestProxy, type TestProxy } from '../testing/test-proxy.ts'
import { startUpstream, type TestUpstream } from '../testing/test-upstream.ts'

const RULES: readonly RuleDocument[] = [{ name: 'ask', methods: ['change'], effect: 'approve', mask: ['personal-data'] }, { name: 'rest', methods: ['*'], effect: 'allow' }]
const BUCKET = '/storage.googleapis.com/storage/v1/b/dev'
const SOURCE = { generation: '5', metageneration: '1', size: '12', contentType: 'text/csv', updated: '2026-01-01T00:00:00Z', metadata: { owner: 'jane.doe@example.com' } }
const COPY = { method: 'POST', path: `${BUCKET}/o/in/copyTo/b/dev/o/out`, body: {} }
const COMPOSE = { method: 'POST', path: `${BUCKET}/o/out/compose`, body: { sourceObjects: [{ name: 'a' }, { name: 'b', generation: '4' }, { name: 'c', objectPreconditions: { ifGenerationMatch: '5' } }] } }
const DOCUMENTS = 'projects/shop/databases/(default)/documents'
const COMMIT = '/firestore.googleapis.com/v1/projects/shop/databases/(default)/documents:commit'

interface Sent { readonly method: string, readonly path: string, readonly body: object }

describe('what a call depends on beside its resource', () => {
  let upstream: TestUpstream
  let test: TestProxy
  const open = async (verdict: 'approved' | 'waits' = 'approved'): Promise<void> => {
    test = await startTestProxy({ upstream: upstream.origin, rules: RULES, settings: { holdMs: 300 } })
    test.desk.verdict = verdict === 'waits' ? undefined : verdict
  }
  beforeEach(async () => { upstream = await startUpstream() })
  afterEach(async () => {
    await test.stop()
    await upstream.stop()
  })
  const send = ({ method, path, body }: Sent): Promise<Response> => call(test.origin, path, { method, headers: { ...test.bearer(), 'content-type': 'application/json' }, body: JSON.stringify(body) })
  const asked = (): AccessRequest => test.desk.requests.at(-1) as AccessRequest
  /** Each read is answered by its own path. */
  const answerBy = (states: Readonly<Record<string, unknown>>): void => {
    upstream.state = (request, response) => {
      const found = Object.entries(states).find(([path]) => request.url?.startsWith(path))?.[1]
      response.writeHead(found === undefined ? 404 : 200, { 'content-type': 'application/json' }).end(JSON.stringify(found ?? {}))
    }
  }

  for (const verb of ['copyTo', 'rewriteTo']) {
    it(`invariant 4: the source of ${verb} is read, bound and told`, async () => {
      await open()
      answerBy({ '/storage/v1/b/dev/o/in': SOURCE })
      assert.equal((await send({ ...COPY, path: COPY.path.replace('copyTo', verb) })).status, 200)
      assert.deepEqual(upstream.seen.map(({ url }) => url.split('?')[1]), ['ifGenerationMatch=0&ifSourceGenerationMatch=5'])
      assert.deepEqual(asked().call.bound, ['ifGenerationMatch', 'ifSourceGenerationMatch'])
      assert.deepEqual([asked().state?.kind, asked().state?.exists, asked().state?.others], ['bound', false, [{ role: 'source', name: 'gs://dev/in', exists: true, bound: true, facts: [['generation', '5'], ['size', '12'], ['contentType', 'text/csv'], ['updated', '2026-01-01T00:00:00Z']] }]])
      assert.equal(digestOf(unboundCall(asked().call)), asked().attach.digest)
      assert.ok(!JSON.stringify(asked()).includes('jane'))
    })
  }

  it('a version of the source that the agent names is read, and is bound as it is', async () => {
    await open()
    answerBy({ '/storage/v1/b/dev/o/in?generation=5': SOURCE })
    await send({ ...COPY, path: `${COPY.path}?sourceGeneration=5` })
    assert.deepEqual([asked().call.bound, asked().state?.others?.[0]?.bound], [['ifGenerationMatch'], true])
  })

  it('a source that is not there is told, and nothing of it is bound', async () => {
    await open('waits')
    answerBy({})
    await send(COPY)
    assert.deepEqual([asked().state?.kind, asked().state?.others?.map(({ exists, bound }) => [exists, bound])], ['checked', [[false, false]]])
  })

  it('invariant 4: the parts of a composition are pinned to what was read', async () => {
    await open()
    answerBy({ '/storage/v1/b/dev/o/a': SOURCE, '/storage/v1/b/dev/o/b?generation=4': { ...SOURCE, generation: '4' }, '/storage/v1/b/dev/o/c': SOURCE })
    assert.equal((await send(COMPOSE)).status, 200)
    assert.deepEqual(JSON.parse(String(upstream.seen[0]?.body)).sourceObjects, [{ name: 'a', generation: '5' }, { name: 'b', generation: '4' }, { name: 'c', objectPreconditions: { ifGenerationMatch: '5' } }])
    assert.deepEqual([asked().call.bound, asked().state?.kind], [['ifGenerationMatch', 'body.sourceObjects.0.generation'], 'bound'])
    assert.equal(digestOf(unboundCall(asked().call)), asked().attach.digest)
  })

  for (const [what, sent] of [['ifSourceGenerationMatch', { ...COPY, path: `${COPY.path}?ifSourceGenerationMatch=4` }], ['a part\'s precondition', { ...COMPOSE, body: { sourceObjects: [{ name: 'c', objectPreconditions: { ifGenerationMatch: '4' } }] } }]] as const) {
    it(`${what} of the agent's own that does not hold asks nobody`, async () => {
      await open()
      answerBy({ '/storage/v1/b/dev/o/in': SOURCE, '/storage/v1/b/dev/o/c': SOURCE })
      assert.deepEqual([(await send(sent)).status, test.desk.requests.length], [409, 0])
    })
  }

  for (const [what, sent, path] of [['a copy', COPY, 'in'], ['a composition', COMPOSE, 'a']] as const) {
    it(`invariant 4: the source of ${what} that changes between the approval and the run: nothing is sent`, async () => {
      await open('waits')
      const states = { '/storage/v1/b/dev/o/in': SOURCE, '/storage/v1/b/dev/o/a': SOURCE, '/storage/v1/b/dev/o/b': { ...SOURCE, generation: '4' }, '/storage/v1/b/dev/o/c': SOURCE }
      answerBy(states)
      assert.equal((await send(sent)).reason(), 'APPROVAL_PENDING')
      test.desk.decide(asked().id, 'approved')
      answerBy({ ...states, [`/storage/v1/b/dev/o/${path}`]: { ...SOURCE, generation: '6' } })
      assert.deepEqual([(await send(sent)).reason(), upstream.seen.length], ['STATE_CHANGED', 0])
    })
  }

  const document = (name: string, fields: object): object => ({ found: { name: `${DOCUMENTS}/${name}`, updateTime: `T-${name}`, fields }, readTime: 'now' })
  const commitOf = (writes: readonly object[]): Sent => ({ method: 'POST', path: COMMIT, body: { writes } })
  const update = (name: string, fields: object, changes: object = {}): object => ({ update: { name: `${DOCUMENTS}/${name}`, fields }, ...changes })
  const text = (stringValue: string): object => ({ stringValue })

  it('invariant 4: each write of a commit is bound to its document as it was read, and what it changes is told', async () => {
    await open()
    answerBy({ '/v1/projects/shop/databases/(default)/documents:batchGet': [document('c/old', { a: text('1'), b: text('2'), owner: text('jane.doe@example.com') }), { missing: `${DOCUMENTS}/c/new`, readTime: 'now' }, document('c/gone', {}), document('c/nested', { m: { mapValue: { fields: { x: text('1'), y: text('2') } } } })] })
    const writes = [update('c/old', { a: text('1'), b: text('3') }), update('c/new', { a: text('1') }), { delete: `${DOCUMENTS}/c/gone` }, update('c/nested', { m: { mapValue: { fields: { x: text('9') } } } }, { updateMask: { fieldPaths: ['m.x', '`odd name`'] } })]
    assert.equal((await send(commitOf(writes))).status, 200)
    const sent = JSON.parse(String(upstream.seen[0]?.body)) as { readonly writes: readonly { readonly currentDocument?: object }[] }
    assert.deepEqual(sent.writes.map(({ currentDocument }) => currentDocument), [{ updateTime: 'T-c/old' }, { exists: false }, { updateTime: 'T-c/gone' }, { updateTime: 'T-c/nested' }])
    const { state, call: shown, attach } = asked()
    assert.deepEqual([state?.kind, state?.reader, shown.bound?.length, digestOf(unboundCall(shown)) === attach.digest], ['bound', 'firestore.projects.databases.documents.batchGet', 4, true])
    assert.deepEqual(state?.changes?.map(({ path }) => path.join('.')), ['writes.0.update.fields.b', 'writes.0.update.fields.owner', 'writes.1.update.fields.a', 'writes.3.update.fields.m.mapValue.fields.x'])
    assert.equal(state?.changes?.[0]?.before, '{"stringValue":"2"}')
    assert.ok(!JSON.stringify(state).includes('jane'), 'masked')
    assert.deepEqual(state?.others?.map(({ exists, facts }) => [exists, facts[0]?.[1]]), [[true, 'is written'], [false, 'is written'], [true, 'is deleted'], [true, 'is written']])
  })

  it('a commit is told where it is not bound: a transform, a delete of nothing, a document of another database', async () => {
    await open()
    answerBy({ '/v1/projects/shop/databases/(default)/documents:batchGet': [document('c/t', {}), { missing: `${DOCUMENTS}/c/none` }] })
    const other = { update: { name: 'projects/other/databases/(default)/documents/c/x', fields: {} } }
    await send(commitOf([{ transform: { document: `${DOCUMENTS}/c/t`, fieldTransforms: [] } }, { delete: `${DOCUMENTS}/c/none` }, other]))
    assert.deepEqual([asked().state?.kind, asked().state?.moreOthers, asked().state?.others?.map(({ exists, bound }) => [exists, bound])], ['checked', undefined, [[true, false], [false, false], [undefined, false]]])
    assert.deepEqual(JSON.parse(String(upstream.reads[0]?.body)), { documents: [`${DOCUMENTS}/c/t`, `${DOCUMENTS}/c/none`] })
  })

  for (const [what, currentDocument] of [['another time', { updateTime: 'T-old' }], ['that there is none', { exists: false }]] as const) {
    it(`a write that says ${what} of its document asks nobody`, async () => {
      await open()
      answerBy({ '/v1/projects/shop/databases/(default)/documents:batchGet': [document('c/a', {})] })
      assert.deepEqual([(await send(commitOf([update('c/a', {}, { currentDocument })]))).status, test.desk.requests.length], [409, 0])
    })
  }

  it('invariant 4: a document that changes between the approval and the commit: nothing is sent', async () => {
    await open('waits')
    const path = '/v1/projects/shop/databases/(default)/documents:batchGet'
    answerBy({ [path]: [document('c/a', {})] })
    const sent = commitOf([update('c/a', { a: text('1') }, { currentDocument: { exists: true } })])
    assert.equal((await send(sent)).reason(), 'APPROVAL_PENDING')
    assert.equal(asked().state?.kind, 'checked', 'the agent\'s own precondition speaks of existence alone')
    test.desk.decide(asked().id, 'approved')
    answerBy({ [path]: [{ found: { name: `${DOCUMENTS}/c/a`, updateTime: 'later' } }] })
    assert.deepEqual([(await send(sent)).reason(), upstream.seen.length], ['STATE_CHANGED', 0])
  })
})
