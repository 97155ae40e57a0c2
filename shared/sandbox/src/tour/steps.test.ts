import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RecordEntry } from '@lockkeeper/domain/records'
import { closeServer, listenOnLoopback } from '../loopback.ts'
import { callUpstream } from '../upstream/test-client.ts'
import { startSandboxUpstream } from '../upstream/upstream.ts'
import type { SandboxUpstream } from '../upstream/upstream.ts'
import type { ChildRun } from './child.ts'
import type { TourContext, TourStep } from './context.ts'
import { approvedOnce } from './steps/approval.ts'
import { externalAccount, withCurl, withGcloud } from './steps/other-clients.ts'
import { copyMediaThrough, listMasked, queryMasked } from './steps/reading.ts'
import { credentialsApart, logVerified, timeline, timelineLine } from './steps/records.ts'
import { denied, noKeys, wayRound } from './steps/refusals.ts'

/** What a broken gateway would let through must fail the tour: each step is shown what it must not accept. */
describe('a step of the tour', () => {
  let upstream: SandboxUpstream
  let gateway: Server
  let context: TourContext
  /** What the stand-in gateway answers to plain requests and to CONNECT. */
  let answer: { status: number, body: string } = { status: 403, body: '{}' }
  let report: unknown

  beforeEach(async () => {
    upstream = await startSandboxUpstream()
    gateway = createServer((_request, response) => { response.writeHead(answer.status).end(answer.body) })
    gateway.on('connect', (_request, socket) => socket.end(`HTTP/1.1 ${answer.status} x\r\ncontent-length: ${answer.body.length}\r\nconnection: close\r\n\r\n${answer.body}`))
    const origin = await listenOnLoopback(gateway, 0)
    context = {
      gateway: { origin, caFile: '' }, agent: { id: 'tour-agent', run: 'tour-1', sponsor: 'sam.sponsor@sandbox.example.com' },
      agentEnvironment: () => Promise.resolve({ PATH: '' }), agentToken: () => Promise.resolve('agent.token'), spawnClient: () => Promise.resolve(printed(report)),
      approvals: { waitForPending: () => Promise.resolve({ id: 'apr_1', method: 'm', agent: 'a' } as never) }, approve: () => Promise.resolve(),
      audit: { session: () => Promise.resolve([]), verify: () => Promise.resolve({ ok: true, entries: 1, problems: [] }) }, upstream, out: { write: () => undefined },
    }
  })
  afterEach(async () => {
    await upstream.close()
    await closeServer(gateway)
  })

  const printed = (value: unknown): ChildRun => ({ code: 0, stdout: `${JSON.stringify(value)}\n`, stderr: '' })
  const run = async (step: TourStep): Promise<readonly string[]> => {
    const lines: string[] = []
    await step.run(context, (line) => lines.push(line))
    return lines
  }
  const refusal = (more: object) => ({ outcome: 'refused', refused: { status: 403, message: 'no', ...more } })

  const wrongReports: readonly (readonly [string, TourStep, unknown, RegExp])[] = [
    ['an e-mail address that arrives unmasked', listMasked, { outcome: 'answered', objects: Array(5).fill({ name: 'mira.holt@customers.example.com' }) }, /unmasked: mira/],
    ['a listing without any marker', listMasked, { outcome: 'answered', objects: Array(5).fill({ name: 'x' }) }, /no masked value/],
    ['a listing that lacks objects', listMasked, { outcome: 'answered', objects: [] }, /0 objects arrived, 5 are there/],
    ['a refused listing', listMasked, refusal({}), /refused with 403: no/],
    ['an IBAN in query rows', queryMasked, { outcome: 'answered', data: { rows: [{ f: [{ v: '[lockkeeper:masked:email] DE89370400440532013000 Mira Holt' }] }] } }, /an IBAN arrived unmasked/],
    ['a deletion that is answered', denied, { outcome: 'answered' }, /should have been refused/],
    ['a refusal that names no rule', denied, refusal({}), /the rule is not named/],
    ['a refusal without a way out', denied, refusal({ metadata: { rule: 'sandbox-agents/buckets-stay' } }), /nothing is said/],
    ['a 404 in place of a denial', denied, { outcome: 'refused', refused: { status: 404, message: 'x' } }, /404, not 403/],
    ['a key that is refused by an ordinary rule', noKeys, refusal({ reason: 'POLICY_DENIED' }), /POLICY_DENIED/],
    ['another token than the agent\'s own', externalAccount, { outcome: 'answered', externalAccount: true, tokenHash: 'x', status: 200 }, /another token/],
    ['another credential than the external account', externalAccount, { outcome: 'answered', externalAccount: false }, /not read as an external account/],
  ]
  for (const [title, step, wrong, problem] of wrongReports) {
    it(`fails on ${title}`, async () => {
      report = wrong
      await assert.rejects(run(step), problem)
    })
  }

  it('fails when a client breaks down, is too slow or prints no report', async () => {
    for (const [child, problem] of [[{ code: 1, stdout: '', stderr: 'boom' }, /code 1: boom/], [{ code: null, stdout: '', stderr: '' }, /too slow/], [{ code: 0, stdout: 'nonsense', stderr: '' }, /no report/]] as const) {
      context = { ...context, spawnClient: () => Promise.resolve(child) }
      await assert.rejects(run(listMasked), problem)
    }
  })

  it('invariant 3: a key creation that reached the upstream fails the tour', async () => {
    report = refusal({ reason: 'MINTS_CREDENTIAL' })
    assert.equal((await run(noKeys)).length, 1)
    await callUpstream(upstream, 'POST iam.googleapis.com/v1/projects/sandbox-project/serviceAccounts/x/keys', { body: {} })
    await assert.rejects(run(noKeys), /reached the upstream/)
  })

  it('invariant 2: attempts to slip round pass only when every one is refused, tunnels too', async () => {
    answer = { status: 403, body: '{"error":{"message":"no","details":[{"@type":"t/google.rpc.ErrorInfo","reason":"TARGET_UNKNOWN"}]}}' }
    const lines = await run(wayRound)
    assert.equal(lines.length, 5)
    assert.ok(lines.every((line) => line.endsWith('403 TARGET_UNKNOWN')), lines.join('\n'))
    answer = { status: 200, body: '' }
    await assert.rejects(run(wayRound), /answered with 200/)
  })

  const set = async (): Promise<void> => {
    await callUpstream(upstream, 'POST cloudresourcemanager.googleapis.com/v1/projects/sandbox-project:setIamPolicy', { body: { policy: { bindings: [{ role: 'roles/run.viewer', members: ['user:new.hire@sandbox.example.com'] }] } } })
  }
  const approvedReport = (again: object) => ({ outcome: 'answered', status: 200, waits: 0, again: { status: 200, receipt: 'apr_1', sameAnswer: true, ...again } })
  const wrongApprovals: readonly (readonly [string, number, object, RegExp])[] = [
    ['not dialled at all', 0, {}, /dialled 0 times/], ['dialled twice', 2, {}, /dialled 2 times/], ['answered again without a receipt', 1, { receipt: undefined }, /without a receipt/],
    ['answered again with something else', 1, { sameAnswer: false }, /not the first answer/],
  ]
  for (const [title, dials, again, problem] of wrongApprovals) {
    it(`invariant 5: an approved call that was ${title} fails the tour`, async () => {
      report = approvedReport(again)
      // The child ends after the approval, as a held client does.
      const decided = Promise.withResolvers<void>()
      context = { ...context, approve: async () => { for (let index = 0; index < dials; index++) await set(); decided.resolve() }, spawnClient: async () => { await decided.promise; return printed(report) } }
      await assert.rejects(run(approvedOnce), problem)
    })
  }

  it('invariant 1: a change that was dialled before its approval fails the tour', async () => {
    context = { ...context, spawnClient: async () => { await new Promise(() => undefined); return printed({}) }, approvals: { waitForPending: async () => { await set(); return { id: 'apr_1', method: 'm', agent: 'a' } as never } } }
    await assert.rejects(run(approvedOnce), /before anyone approved/)
  })

  it('a client that is refused at once ends the wait for an approval', async () => {
    report = refusal({ message: 'denied at once' })
    context = { ...context, approvals: { waitForPending: () => new Promise(() => undefined) } }
    await assert.rejects(run(approvedOnce), /denied at once/)
  })

  it('a program that is not on PATH is said, and its step stays', async () => {
    assert.deepEqual(await run(withCurl), ['curl is not on PATH: not shown'])
    assert.deepEqual(await run(withGcloud), ['gcloud is not on PATH: not shown'])
  })

  const programs: readonly (readonly [string, TourStep, string, string, RegExp])[] = [
    ['curl that lists', withCurl, 'curl', 'echo \'{"items":[{"name":"[lockkeeper:masked:email]"}]}\'', /^1 objects, masked with \[lockkeeper:masked:email\]$/],
    ['curl that fails', withCurl, 'curl', 'echo no way >&2; exit 22', /curl ended with 22: no way/],
    ['curl that gets an address', withCurl, 'curl', 'echo \'{"items":[{"name":"mira.holt@customers.example.com"}]}\'', /unmasked: mira/],
    ['gcloud that lists', withGcloud, 'gcloud', 'echo "gs://customer-exports/profiles/[lockkeeper:masked:email].json"', /^gcloud storage ls: gs:.*masked:email/],
    ['gcloud that fails', withGcloud, 'gcloud', 'echo "$CLOUDSDK_CONFIG" >&2; exit 1', /gcloud ended with 1: \S+lockkeeper-gcloud-/],
  ]
  for (const [title, step, name, script, expected] of programs) {
    it(`tells what it saw of ${title}`, async () => {
      const folder = await mkdtemp(join(tmpdir(), 'sandbox-programs-'))
      try {
        await writeFile(join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
        context = { ...context, agentEnvironment: () => Promise.resolve({ PATH: folder }) }
        const told = await run(step).then((lines) => lines.join('\n'), (error: Error) => error.message)
        assert.match(told, expected)
      } finally {
        await rm(folder, { recursive: true, force: true })
      }
    })
  }

  it('media that came back changed, or never reached the upstream, fails the tour', async () => {
    report = { outcome: 'answered', same: false }
    await assert.rejects(run(copyMediaThrough), /not what went up/)
    report = { outcome: 'answered', same: true, sha256: 'x' }
    await assert.rejects(run(copyMediaThrough), /does not hold/)
  })

  it('invariant 3: any foreign credential at the upstream fails the tour', async () => {
    await callUpstream(upstream, 'GET storage.googleapis.com/storage/v1/b?project=p')
    assert.match((await run(credentialsApart))[0] ?? '', /^1 requests/)
    await callUpstream(upstream, 'GET storage.googleapis.com/storage/v1/b?project=p', { authorization: 'Bearer agent.token' })
    await assert.rejects(run(credentialsApart), /with the agent's token/)
  })

  it('invariant 8: a log that does not verify, or is empty, fails the tour', async () => {
    for (const [result, problem] of [[{ ok: false, entries: 4, problems: ['entry 3 was changed'] }, /entry 3 was changed/], [{ ok: true, entries: 0, problems: [] }, /empty/]] as const) {
      context = { ...context, audit: { ...context.audit, verify: () => Promise.resolve(result) } }
      await assert.rejects(run(logVerified), problem)
    }
  })

  const outcome = (more: object): RecordEntry => ({
    kind: 'outcome', at: 1_795_507_074_000, mode: 'sandbox', isolation: 'none', origin: 'agent', door: 'forward', host: 'storage.googleapis.com', verb: 'GET', path: '/x', result: 'answered', status: 200,
    requestBytes: 0, responseBytes: 0, durationMs: 1, ...more,
  } as RecordEntry)

  it('the timeline needs an answer, a refusal and a receipt, and leaves out intents', async () => {
    const entries = [outcome({ kind: 'intent' }), outcome({ method: 'storage.objects.list', rule: 'p/r', masked: 3 }), outcome({ result: 'refused', status: 403, reason: 'POLICY_DENIED' }), outcome({ result: 'receipt' })]
    const session = (some: readonly RecordEntry[]) => ({ ...context.audit, session: () => Promise.resolve(some) })
    context = { ...context, audit: session(entries) }
    const lines = await run(timeline)
    assert.deepEqual([lines.length, lines[0]], [3, '07:57:54.000 storage.objects.list: answered 200 (p/r), 3 masked'])
    context = { ...context, audit: session(entries.slice(0, 3)) }
    await assert.rejects(run(timeline), /no record of a call that was receipt/)
  })

  it('a line of the timeline tells events, gateway reads and what was not understood', () => {
    assert.match(timelineLine(outcome({ kind: 'event', name: 'approval.approved', text: 'by Ada\nApprover' })) ?? '', /approval\.approved: by Ada Approver$/)
    assert.match(timelineLine(outcome({ origin: 'gateway', method: 'a.b.get', heldMs: 1_500 })) ?? '', /\(gateway\) a\.b\.get: answered 200, held 1\.5 s$/)
    assert.match(timelineLine(outcome({ result: 'refused', status: 400, reason: 'REQUEST_AMBIGUOUS' })) ?? '', /GET storage\.googleapis\.com\/x: refused 400 \(REQUEST_AMBIGUOUS\)$/)
  })
})
