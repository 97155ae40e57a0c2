import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { answerFaults, operationAt } from '@lockkeeper/service-kit/openapi'
import express from 'express'
import { sha256 } from '@lockkeeper/domain/digest'
import { tempDir } from '@lockkeeper/testkit'
import type { StoredRecord } from '@lockkeeper/transparency-log'
import { AUDIT_OPERATIONS } from './api/audit-operations.ts'
import { auditRoom, body, closeRooms, collect, intent, outcome, type AuditRoom } from './audit-room.fixture.ts'
import type { RecordFilter } from './record-filter.ts'
import { renderSession, renderTimeline } from './service.ts'
import { TermFilter } from './term-filter.ts'

/** Forty calls of two agents and four runs; every tenth refused; some with bodies. Returns intents' ids. */
async function fill(room: AuditRoom): Promise<string[]> {
  const writer = await room.writer()
  const ids: string[] = []
  for (let index = 0; index < 40; index++) {
    const facts = { agent: `acme/${index % 2}`, run: `run-${index % 4}`, at: 1_000_000 + index * 1_000, method: index % 5 === 0 ? 'storage.objects.get' : 'storage.objects.delete' } as const
    if (index % 10 === 9) {
      ids.push(writer.append(outcome(undefined, { ...facts, result: 'refused', status: 403, reason: 'POLICY_DENIED', effect: 'deny' })).id)
      continue
    }
    const [sent, got] = [body(`{"n":${index}}`), body('{"ok":true}')]
    const open = writer.append(intent({ ...facts, requestBody: sent.hash }), [sent])
    writer.append(outcome(open.id, { ...facts, at: facts.at + 5, responseBody: got.hash }), [got])
    ids.push(open.id)
    if (index % 7 === 0) {
      await writer.append(intent({ ...facts, run: 'other' })).durable()
      await room.audit.flush()
    }
  }
  await writer.close()
  return ids
}

describe('audit queries', () => {
  let room: AuditRoom
  let ids: string[]
  before(async () => {
    room = await auditRoom()
    ids = await fill(room)
  })
  after(closeRooms)

  it('a record is shown with its other half and the bodies of both', async () => {
    const view = await room.audit.queries.show(ids[3] as string)
    assert.equal(view?.record.kind, 'intent')
    assert.deepEqual(view?.partners.map((one) => one.kind === 'outcome' && one.intent), [ids[3]])
    assert.equal(view?.request?.text, '{"n":3}')
    assert.equal(view?.response?.text, '{"ok":true}')
    const other = await room.audit.queries.show(view?.partners[0]?.id as string)
    assert.deepEqual(other?.partners.map(({ id }) => id), [ids[3]])
    assert.equal(other?.request?.text, '{"n":3}')
  })

  it('a read that is told in one record is found by the name that it has upstream, with what corrects it', async () => {
    const own = await auditRoom()
    const writer = await own.writer()
    const reference = writer.reference()
    const told = writer.append(outcome(undefined, { reference, run: 'one' } as never))
    const correction = writer.append(outcome(told.id, { run: 'one', result: 'refused', status: 503, reason: 'AUDIT_UNAVAILABLE' }))
    await writer.close()
    await own.audit.flush()
    const view = await own.audit.queries.show(reference)
    assert.deepEqual([view?.record.id, view?.partners.map(({ id }) => id)], [told.id, [correction.id]])
    assert.equal(await own.audit.queries.show(writer.reference()), undefined)
    const { steps } = await own.audit.queries.session('one')
    assert.deepEqual(steps.map(({ records }) => records.map(({ id }) => id)), [[told.id, correction.id]])
  })

  it('a body that is no text is shown in base64, and one that was not kept is said to be so', async () => {
    const own = await auditRoom()
    const writer = await own.writer()
    const bytes = Buffer.from([0xff, 0x00, 0xfe])
    const kept = writer.append(intent({ requestBody: sha256(bytes) }), [{ hash: sha256(bytes), bytes, contentType: 'application/octet-stream' }])
    const gone = writer.append(intent({ requestBody: sha256('gone') }))
    const forged = writer.append(intent({ requestBody: 'forged' }), [{ hash: 'forged', bytes, contentType: 'text/plain' }])
    await writer.close()
    assert.deepEqual((await own.audit.queries.show(kept.id))?.request, { hash: sha256(bytes), contentType: 'application/octet-stream', base64: '/wD+' })
    assert.deepEqual((await own.audit.queries.show(gone.id))?.request, { hash: sha256('gone') })
    assert.deepEqual((await own.audit.queries.show(forged.id))?.request, { hash: 'forged' })
    await own.close()
  })

  for (const id of ['', 'rec_', 'rec_aaaaaaaaaaaa1', '../../etc/passwd', `${'x'.repeat(5_000)}`]) {
    it(`there is no record '${id.slice(0, 20)}'`, async () => assert.equal(await room.audit.queries.show(id), undefined))
  }

  const searches: readonly [title: string, filter: RecordFilter, fits: (record: StoredRecord) => boolean][] = [
    ['agent', { agent: 'acme/1' }, (record) => record.kind !== 'event' && record.agent === 'acme/1'],
    ['run and kind', { run: 'run-2', kind: 'intent' }, (record) => record.kind === 'intent' && record.run === 'run-2'],
    ['method', { method: 'storage.objects.get' }, (record) => record.kind !== 'event' && record.method === 'storage.objects.get'],
    ['effect', { effect: 'deny' }, (record) => record.kind !== 'event' && record.effect === 'deny'],
    ['reason', { reason: 'POLICY_DENIED' }, (record) => record.kind === 'outcome' && record.reason === 'POLICY_DENIED'],
    ['result', { result: 'answered' }, (record) => record.kind === 'outcome' && record.result === 'answered'],
    ['time', { from: 1_005_000, to: 1_006_000 }, (record) => record.at >= 1_005_000 && record.at <= 1_006_000],
    ['text of any case', { text: 'POLICY_denied' }, (record) => record.kind === 'outcome' && record.reason === 'POLICY_DENIED'],
    ['nothing that is there', { agent: 'nobody' }, () => false],
  ]
  for (const [title, filter, fits] of searches) {
    it(`a search by ${title} finds all that fits and nothing else, page by page, newest first`, async () => {
      const all = await collect(room.audit.queries.tail({ limit: 1_000 }))
      const expected = all.filter(fits).map(({ id }) => id).reverse()
      const found: string[] = []
      for (let cursor: string | undefined, more = true; more;) {
        const page = await room.audit.queries.search(filter, { limit: 4, ...(cursor === undefined ? {} : { cursor }) })
        found.push(...(page?.records ?? []).map(({ id }) => id))
        cursor = page?.cursor
        more = cursor !== undefined
      }
      assert.deepEqual(found, expected)
      if (title !== 'nothing that is there') assert.ok(found.length > 0)
    })
  }

  it('a cursor of another log is said to be none', async () => {
    for (const cursor of ['x', '1', '0.1', '1.1; drop', '-1.2']) assert.equal(await room.audit.queries.search({}, { cursor }), undefined)
    assert.deepEqual((await room.audit.queries.search({}, { cursor: '1.1' }))?.records, [])
  })

  it('a session is the run\'s calls in order, each with its outcome and bodies', async () => {
    const session = await room.audit.queries.session('run-3', { bodies: true })
    assert.deepEqual(session.agents, ['acme/1'])
    assert.equal(session.steps.length, 10)
    assert.ok(session.steps.every((step, index) => index === 0 || step.at > (session.steps[index - 1]?.at ?? 0)))
    assert.equal(session.steps.filter(({ records }) => records.length === 2).length, 8)
    const text = renderSession(session)
    assert.match(text, /^Run run-3 of acme\/1: 10 steps, 1970-01-01 \(UTC\)\n00:16:43\.000 {2}ALLOW/)
    assert.match(text, /REFUSED {2}storage.objects.delete .* refused 403 POLICY_DENIED/)
    assert.match(text, /sent {2}\{"n":3\}\n +got {3}\{"ok":true\}\n/)
  })

  it('what an agent wrote cannot steer the terminal that shows it', async () => {
    const hostile = outcome(undefined, { result: 'refused', path: '/\u001b[2J\r\nALLOW fake\u202e\u009b', resources: [], agent: 'a' })
    const { method, ...unknown } = { ...hostile, id: 'rec_x' } as StoredRecord & { readonly kind: 'outcome' }
    assert.ok(method !== undefined)
    const text = renderTimeline([unknown])
    assert.equal(text.split('\n').length, 2)
    assert.ok(!/[\u001b\r\u202e\u009b]/.test(text))
    assert.ok(text.includes('\\u{1b}[2J\\u{d}\\u{a}ALLOW fake\\u{202e}'))
  })

  it('tail shows the newest first part and then what comes, once each, until it is stopped', async () => {
    const own = await auditRoom()
    const writer = await own.writer()
    for (let index = 0; index < 5; index++) await writer.append(intent({ run: `run-${index}` })).durable()
    const stop = new AbortController()
    const seen: (string | undefined)[] = []
    for await (const record of own.audit.queries.tail({ follow: true, limit: 2, signal: stop.signal })) {
      seen.push(record.run)
      if (seen.length === 2) writer.append(intent({ run: 'fresh-1' }))
      if (seen.length === 3) writer.append(intent({ run: 'fresh-2' }))
      if (seen.length === 4) stop.abort()
    }
    assert.deepEqual(seen, ['run-3', 'run-4', 'fresh-1', 'fresh-2'])
    await writer.close()
    await own.close()
  })

  it('the index is made again after a restart, and answers the same when its memory is too small', async () => {
    const directory = tempDir()
    const first = await auditRoom({ directory })
    const known = await fill(first)
    const before = await first.audit.queries.search({ run: 'run-1' }, { limit: 100 })
    await first.close()
    const second = await auditRoom({ directory, settings: { indexBytes: 1_024 } })
    assert.deepEqual(await second.audit.queries.search({ run: 'run-1' }, { limit: 100 }), before)
    assert.equal((await second.audit.queries.show(known[5] as string))?.partners.length, 1)
    await second.close()
  })

  it('a word filter never misses a word that is there, and seldom sees one that is not', () => {
    const words = new Set(Array.from({ length: 500 }, (_, index) => `run:${index}`))
    const filter = new TermFilter(words)
    assert.ok([...words].every((word) => filter.mayHave(word)))
    const wrong = Array.from({ length: 10_000 }, (_, index) => filter.mayHave(`agent:${index}`)).filter(Boolean).length
    assert.ok(wrong < 200, `${wrong} of 10,000`)
  })
})

describe('audit routes', () => {
  after(closeRooms)
  const asked = new Set<string>()

  /** The answer, which is one of those that are described. */
  async function described(method: string, path: string, response: Response): Promise<{ status: number, type: string, text: string }> {
    const answer = { status: response.status, type: response.headers.get('content-type') ?? '', text: await response.text() }
    assert.deepEqual(answerFaults(AUDIT_OPERATIONS, [], { method, path: `/v1/audit${path}`, status: answer.status, type: answer.type, body: answer.text }), [])
    if (answer.status === 200) asked.add(operationAt(AUDIT_OPERATIONS, method, `/v1/audit${path}`)?.id ?? '')
    return answer
  }

  it('answer over HTTP, with problem+json for what is wrong', async () => {
    const room = await auditRoom()
    const ids = await fill(room)
    const server = createServer(express().use(room.audit.routes)).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/audit`
    const get = async (path: string): Promise<{ status: number, type: string, text: string }> => {
      const response = await fetch(base + path)
      return described('GET', path, response)
    }
    try {
      assert.equal(JSON.parse((await get('/records?run=run-1&limit=3')).text).records.length, 3)
      assert.equal(JSON.parse((await get(`/records/${ids[3]}`)).text).request.text, '{"n":3}')
      assert.equal(JSON.parse((await get(`/records/${ids[3]}/proof`)).text).lineHashes.length > 0, true)
      assert.equal(JSON.parse((await get('/sessions/run-1?bodies=true')).text).steps.length, 10)
      assert.equal(JSON.parse((await get('/verify')).text).ok, true)
      assert.match((await get('/checkpoint')).text, /^lockkeeper\/log\n\d+\n/)
      assert.equal((await get('/tail?limit=5')).text.trim().split('\n').length, 5)
      const wrong = ['/records?surprise=1', '/records?limit=0', '/records?limit=1001', '/records?effect=maybe', '/records?run=a&run=b', '/records?from=yesterday', '/records?cursor=x', '/sessions/a?bodies=maybe']
      for (const path of wrong) {
        const { status, type, text } = await get(path)
        assert.deepEqual([path, status, JSON.parse(text).reason], [path, 400, 'REQUEST_INVALID'])
        assert.match(type, /^application\/problem\+json/)
      }
      const post = async (directory: unknown): ReturnType<typeof get> => described('POST', '/export', await fetch(`${base}/export`, { method: 'POST', body: JSON.stringify({ directory }) }))
      const target = `${tempDir()}/export`
      const exported = await post(target)
      assert.equal(exported.status, 200)
      assert.ok((JSON.parse(exported.text) as { segments: number }).segments > 0)
      for (const directory of [target, 'relative', '', 1, undefined]) assert.equal((await post(directory)).status, 400, String(directory))
      for (const path of ['/records/rec_aaaaaaaaaaaa1', '/records/..%2f..%2fx', '/records/rec_aaaaaaaaaaaa1/proof']) assert.equal((await get(path)).status, 404)
      assert.deepEqual(AUDIT_OPERATIONS.map(({ id }) => id).filter((id) => !asked.has(id)), [])
    } finally {
      server.close()
      server.closeAllConnections()
    }
  })
})
