import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { isRefusal } from '@lockkeeper/domain/errors'
import { PortUnavailable } from '@lockkeeper/domain/ports'
import { frame, unframe } from '@lockkeeper/service-kit/server'
import { createApprovalClient, type ApprovalClient } from './approval-client.ts'

type Answer = (response: ServerResponse, body: Buffer) => void
interface Seen { readonly path: string, readonly body: Buffer, readonly authorization: readonly unknown[] }

const ATTACH = { issuer: 'ci', agent: 'a', run: 'r', digest: 'full:x' }
const CLAIM = { approval: 'apr_one', attach: ATTACH, decisionHash: 'h', holder: 'gw-1' }
const granted: Answer = (response) => void response.end('{"fence":"apr_one.1","dialWithinMs":5000}')
const lost: Answer = (response) => void response.socket?.destroy()
const done: Answer = (response) => void response.writeHead(204).end()
const status = (code: number, body: object = {}): Answer => (response) => void response.writeHead(code, { 'content-type': 'application/problem+json' }).end(JSON.stringify(body))

const factsOf = (body: Buffer | undefined): unknown => JSON.parse(JSON.stringify(unframe(body)?.facts))

describe('the approval service as a proxy calls it', () => {
  let server: Server
  let client: ApprovalClient
  const seen: Seen[] = []
  /** Answers in order; the last one stays. */
  let answers: Answer[] = []
  const silent = (): void => undefined

  before(async () => {
    const collect = async (request: IncomingMessage): Promise<Buffer> => Buffer.concat(await request.toArray() as Buffer[])
    server = createServer((request, response) => void collect(request).then((body) => {
      seen.push({ path: request.url ?? '', body, authorization: [request.headers.authorization, request.headers['x-serverless-authorization']] })
      const answer = answers.length > 1 ? answers.shift() : answers[0]
      answer?.(response, body)
    }))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
  })
  beforeEach(() => {
    seen.length = 0
    client = createApprovalClient({
      origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, authorization: () => Promise.resolve('Bearer token'), claimMs: 200, callMs: 200,
      log: { debug: silent, info: silent, warn: silent, error: silent },
    })
  })
  afterEach(() => client.close(0))
  after(() => {
    server.closeAllConnections()
    server.close()
  })
  const bodies = (): readonly Record<string, unknown>[] => seen.map(({ body }) => JSON.parse(body.toString()) as Record<string, unknown>)

  it('invariant 5: a claim whose answer was lost is asked for again under the same name', async () => {
    answers = [lost, granted]
    assert.deepEqual(await client.claim(CLAIM), { fence: 'apr_one.1', dialWithinMs: 5000 })
    const [first, second] = bodies()
    assert.deepEqual(first, second)
    assert.match(String(first?.['claimId']), /^[\w-]{36}$/)
    assert.deepEqual(seen.map(({ authorization }) => authorization), [['Bearer token', 'Bearer token'], ['Bearer token', 'Bearer token']])
  })

  it('every claim has a name of its own', async () => {
    answers = [granted]
    await client.claim(CLAIM)
    await client.claim(CLAIM)
    assert.equal(new Set(bodies().map(({ claimId }) => claimId)).size, 2)
  })

  it('invariant 5: a claim that stays unanswered refuses in time, and is given back once the service answers', async () => {
    const given = Promise.withResolvers<Buffer>()
    answers = [lost, lost, granted, (response, body) => {
      given.resolve(body)
      done(response, body)
    }]
    await assert.rejects(client.claim(CLAIM), PortUnavailable)
    assert.deepEqual(factsOf(await given.promise), { approval: 'apr_one', fence: 'apr_one.1', outcome: { kind: 'not_sent', why: 'the answer to the claim was lost, and nothing was sent' } })
    assert.equal(new Set(seen.slice(0, 3).map(({ body }) => body.toString())).size, 1)
  })

  it('invariant 10: a service that is slow or down refuses within the bound', async () => {
    answers = [silent]
    const began = performance.now()
    await assert.rejects(client.claim(CLAIM), PortUnavailable)
    assert.ok(performance.now() - began < 1_500)
    for (const code of [429, 500, 502, 503, 504]) {
      answers = [status(code)]
      await assert.rejects(client.receipt({ approval: 'apr_one', attach: ATTACH }), PortUnavailable)
    }
  })

  it('what the service itself refused is a verdict', async () => {
    answers = [status(409, { reason: 'STATE_CHANGED', detail: 'changed', verdict: true, metadata: { a: 'b' } })]
    const refused = await client.claim(CLAIM)
    assert.ok(isRefusal(refused))
    assert.deepEqual([refused.reason, refused.message, refused.metadata], ['STATE_CHANGED', 'changed', { a: 'b' }])
    assert.equal(seen.length, 1)
  })

  const NO_VERDICT: Readonly<Record<string, Answer>> = {
    'a refusal of the transport, so that an agent never hears that its own token is bad': status(401, { reason: 'TOKEN_INVALID', detail: 'no' }),
    'a reason that is none': status(409, { reason: 'toString', detail: 'no', verdict: true }),
    'a page of something in between': (response) => void response.writeHead(403, { 'content-type': 'text/html' }).end('<html>'),
    'a redirect': (response) => void response.writeHead(302, { location: 'https://evil.example/' }).end(),
    'an answer of another kind': (response) => void response.end('{"fence":1}'),
    'an endless answer': (response) => {
      response.writeHead(200)
      response.write(Buffer.alloc(6 * 1024 * 1024))
    },
  }
  for (const [title, answer] of Object.entries(NO_VERDICT)) {
    it(`an outage, not a verdict: ${title}`, async () => {
      answers = [answer]
      await assert.rejects(client.claim(CLAIM), PortUnavailable)
    })
  }

  it('an answer goes to the service and comes back byte for byte', async () => {
    const body = Buffer.from([0, 255, 10, 13, 123])
    answers = [done]
    assert.equal(await client.complete({ approval: 'apr_one', fence: 'f', outcome: { kind: 'answered', status: 200, delivered: false, answer: { status: 200, headers: ['a', 'b'], body } } }), undefined)
    const framed = unframe(seen[0]?.body)
    assert.deepEqual(framed?.bytes, body)
    answers = [(response) => void response.end(frame({ status: 200, headers: ['a', 'b'] }, body))]
    assert.deepEqual(await client.receipt({ approval: 'apr_one', attach: ATTACH }), { status: 200, headers: ['a', 'b'], body })
  })

  it('an answer that is too large to keep is told by its status alone', async () => {
    answers = [done]
    await client.complete({ approval: 'apr_one', fence: 'f', outcome: { kind: 'answered', status: 200, delivered: false, answer: { status: 200, headers: [], body: Buffer.alloc(4 * 1024 * 1024 + 1) } } })
    assert.deepEqual(factsOf(seen[0]?.body), { approval: 'apr_one', fence: 'f', outcome: { kind: 'answered', status: 200, delivered: false } })
  })

  it('an identity that cannot be had is an outage of the call', async () => {
    const without = createApprovalClient({ origin: 'http://127.0.0.1:9', authorization: () => Promise.reject(new Error('no metadata server')), claimMs: 100, callMs: 100, log: { debug: silent, info: silent, warn: silent, error: silent } })
    await assert.rejects(without.receipt({ approval: 'apr_one', attach: ATTACH }), PortUnavailable)
    await without.close(0)
  })
})
