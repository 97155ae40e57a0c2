import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { systemClock, type Clock } from '@lockkeeper/domain'
import { manualClock, startOtlpReceiver, type OtlpReceiver } from '@lockkeeper/testkit'
import type { Log } from '../logger.ts'
import { startTelemetry } from './start-telemetry.ts'
import type { TelemetryOptions } from './telemetry-options.ts'
import type { Telemetry } from './telemetry.ts'

const AGENTS = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'

describe('service-kit: telemetry', () => {
  let receiver: OtlpReceiver
  const lines: string[] = []
  const say = (facts: object, message: string): void => void lines.push(`${message} ${JSON.stringify(facts)}`)
  const log: Log = { debug: say, info: say, warn: say, error: say }
  const start = async (options: Partial<TelemetryOptions> = {}): Promise<Telemetry> => {
    const telemetry = await startTelemetry({ serviceName: 'lockkeeper-test', version: '1.2.3', instance: 'test-1', mode: 'sandbox', endpoint: receiver.endpoint, sampleRatio: 1, clock: systemClock, log, ...options })
    assert.ok(telemetry !== undefined)
    return telemetry
  }
  beforeEach(async () => {
    receiver = await startOtlpReceiver()
    lines.length = 0
  })
  afterEach(() => receiver.close())

  it('without an endpoint there is none, and nothing of the SDK is loaded', async () => {
    assert.equal(await startTelemetry({ serviceName: 's', version: '1', instance: 'i', mode: 'real', endpoint: undefined, sampleRatio: 1, clock: systemClock, log }), undefined)
    const probe = `
      import { createRequire, registerHooks } from 'node:module'
      const loaded = []
      registerHooks({ load: (url, context, next) => { if (url.includes('@opentelemetry')) loaded.push(url); return next(url, context) } })
      const { startTelemetry } = await import(${JSON.stringify(import.meta.resolve('./index.ts'))})
      await startTelemetry({ sampleRatio: 1 })
      process.stdout.write(String(loaded.length))`
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', probe], { encoding: 'utf8' })
    assert.equal(stdout, '0', stderr)
  })

  it('spans go out with their service, their facts, their parents and their times', async () => {
    const clock = manualClock()
    const telemetry = await start({ clock })
    const call = telemetry.span('call', { kind: 'server', facts: { method: 'storage.buckets.get', none: undefined } })
    clock.advance(3)
    call.event('verified')
    const child = telemetry.span('upstream', { kind: 'client', parent: call })
    clock.advance(40)
    child.end('UPSTREAM_TIMEOUT')
    call.tell({ status: 200 })
    const late = telemetry.span('late', { parent: call.traceparent, since: clock.monotonic() - 20 })
    late.end()
    call.end()
    call.end('too late')
    await telemetry.shutdown()
    const [first, second, third] = ['call', 'upstream', 'late'].map((name) => receiver.spans.find((span) => span.name === name))
    assert.ok(first !== undefined && second !== undefined && third !== undefined)
    assert.equal(first.service, 'lockkeeper-test')
    assert.deepEqual(first.facts, { method: 'storage.buckets.get', status: 200 })
    assert.deepEqual([first.parent, first.events, first.error], ['', ['verified'], undefined])
    assert.deepEqual([second.trace, second.parent, second.error], [first.trace, first.id, 'UPSTREAM_TIMEOUT'])
    assert.deepEqual([third.trace, third.parent], [first.trace, first.id])
    assert.deepEqual([first.end - first.start, second.end - second.start, third.end - third.start], [43_000_000n, 40_000_000n, 20_000_000n])
    assert.equal(first.start / 1_000_000n, BigInt(clock.now() - 43))
  })

  it('what an agent sends is a link and decides nothing: neither the trace nor whether it is kept', async () => {
    const none = await start({ sampleRatio: 0 })
    const unkept = none.span('call', { link: AGENTS })
    assert.equal(unkept.recording, false)
    assert.match(unkept.traceparent, /-00$/)
    unkept.end()
    await none.shutdown()
    assert.equal(receiver.spans.length, 0)
    const all = await start()
    all.span('call', { link: AGENTS.replace(/01$/, '00') }).end()
    await all.shutdown()
    const [span] = receiver.spans
    assert.notEqual(span?.trace, AGENTS.split('-')[1])
    assert.deepEqual(span?.links, [{ trace: AGENTS.split('-')[1], id: AGENTS.split('-')[2] }])
  })

  for (const malformed of ['', 'x', AGENTS.toUpperCase(), AGENTS.replace('00-', 'ff-'), AGENTS.replace(/-01$/, ''), `${AGENTS}-x`, `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`, `00-4bf92f3577b34da6a3ce929d0e0e4736-${'0'.repeat(16)}-01`, ` ${AGENTS}`, `${AGENTS}\n`]) {
    it(`a malformed trace context counts as none: ${JSON.stringify(malformed)}`, async () => {
      const telemetry = await start()
      const span = telemetry.span('call', { parent: malformed, link: malformed })
      span.link(malformed)
      span.end()
      await telemetry.shutdown()
      assert.deepEqual(receiver.spans.map(({ parent, links }) => ({ parent, links })), [{ parent: '', links: [] }])
    })
  }

  it('a span goes on as its parent began: kept where that was kept, and only there', async () => {
    const telemetry = await start({ sampleRatio: 0 })
    const kept = telemetry.span('kept', { always: true })
    telemetry.span('child of kept', { parent: kept.traceparent }).end()
    telemetry.span('child of unkept', { parent: telemetry.span('unkept') }).end()
    kept.end()
    await telemetry.shutdown()
    assert.deepEqual(receiver.spans.map(({ name }) => name).sort(), ['child of kept', 'kept'])
  })

  it('about the configured share of traces is kept', async () => {
    const telemetry = await start({ sampleRatio: 0.5 })
    const kept = Array.from({ length: 400 }, () => telemetry.span('call')).filter(({ recording }) => recording).length
    await telemetry.shutdown()
    assert.ok(kept > 120 && kept < 280, String(kept))
  })

  it('invariant 3: what looks like a credential is struck out of spans and labels, and text is cut', async () => {
    const token = `eyJhbGciOiJSUzI1NiJ9.${'a'.repeat(40)}.${'b'.repeat(40)}`
    const google = ['ya29', 'CANARYgoogleTOKENxyz0123456789'].join('.')
    const telemetry = await start()
    const span = telemetry.span('call', { facts: { agent: token, long: 'x'.repeat(10_000), edge: `${'y'.repeat(250)}${token}` } })
    span.tell({ run: `Bearer ${'s'.repeat(40)}` })
    span.event('asked', { why: google })
    span.end(token)
    telemetry.counter({ name: 'calls', unit: '{call}', text: 'Calls.' }).add(1, { method: token })
    telemetry.gauge({ name: 'age', unit: 's', text: 'Age.' }, () => [[1, { view: google }]])
    await telemetry.shutdown()
    const all = receiver.requests.map(({ text }) => text).join('\n')
    assert.doesNotMatch(all, /eyJ|aaaaaaaa|bbbbbbbb|ya29|ssssssss|CANARY/)
    assert.match(all, /struck out/)
    assert.equal(String(receiver.spans[0]?.facts['long']).length, 256)
  })

  it('metrics go out with unit and labels; a gauge that fails or has nothing to say is left out', async () => {
    const telemetry = await start()
    const counter = telemetry.counter({ name: 'lockkeeper.decisions', unit: '{call}', text: 'Decisions.' })
    counter.add(1, { effect: 'allow' })
    counter.add(2, { effect: 'allow' })
    telemetry.histogram({ name: 'lockkeeper.call.added', unit: 'ms', text: 'Added.' }, [1, 10]).record(5)
    telemetry.gauge({ name: 'one', unit: 's', text: 'One.' }, async () => 7)
    telemetry.gauge({ name: 'several', unit: 's', text: 'Several.' }, () => [[1, { view: 'policy' }], [Infinity, { view: 'locks' }]])
    telemetry.gauge({ name: 'nothing', unit: 's', text: 'Nothing.' }, () => undefined)
    telemetry.gauge({ name: 'failing', unit: 's', text: 'Failing.' }, () => Promise.reject(new Error('down')))
    telemetry.total({ name: 'sent', unit: '{message}', text: 'Sent.' }, () => 3)
    await telemetry.shutdown()
    const found = Object.fromEntries(receiver.points.map(({ metric, unit, labels, value, sum }) => [metric, { unit, labels, value, ...sum === undefined ? {} : { sum } }]))
    assert.deepEqual(found, {
      'lockkeeper.decisions': { unit: '{call}', labels: { effect: 'allow' }, value: 3 }, 'lockkeeper.call.added': { unit: 'ms', labels: {}, value: 1, sum: 5 },
      one: { unit: 's', labels: {}, value: 7 }, several: { unit: 's', labels: { view: 'policy' }, value: 1 }, sent: { unit: '{message}', labels: {}, value: 3 },
    })
  })

  it('series of one metric are bounded: what comes on top is counted together', async () => {
    const telemetry = await start()
    const counter = telemetry.counter({ name: 'calls', unit: '{call}', text: 'Calls.' })
    for (let index = 0; index < 3_000; index++) counter.add(1, { method: `m${index}` })
    await telemetry.shutdown()
    assert.ok(receiver.points.length <= 1_000, String(receiver.points.length))
    assert.equal(receiver.points.reduce((sum, { value }) => sum + value, 0), 3_000)
  })

  it('headers come from their source at each export and stand in no log', async () => {
    const telemetry = await start({ headers: async () => ({ authorization: 'Bearer receiver-secret-0123456789' }) })
    telemetry.span('call').end()
    await telemetry.shutdown()
    assert.deepEqual([...new Set(receiver.requests.map(({ headers }) => headers.authorization))], ['Bearer receiver-secret-0123456789'])
    assert.doesNotMatch(lines.join(''), /receiver-secret/)
  })

  it('a receiver that refuses is told of once, without what it said', async () => {
    receiver.answer(400)
    const telemetry = await start()
    telemetry.span('call').end()
    telemetry.counter({ name: 'calls', unit: '{call}', text: 'Calls.' }).add(1)
    await telemetry.shutdown()
    assert.equal(lines.length, 1)
    assert.match(lines[0] ?? '', /^telemetry cannot be sent.*400/)
  })

  it('headers that cannot be had fail the export and nothing else', async () => {
    const telemetry = await start({ headers: () => Promise.reject(new Error('no such secret')) })
    telemetry.span('call').end()
    await telemetry.shutdown()
    assert.equal(receiver.requests.length, 0)
    assert.match(lines.join(''), /no such secret/)
  })

  it('the end waits 2 s at most for a receiver that never answers', async function () {
    this.timeout(5_000)
    receiver.answer('never')
    const telemetry = await start()
    telemetry.span('call').end()
    const before = performance.now()
    await telemetry.shutdown()
    const took = performance.now() - before
    assert.ok(took < 2_500, `${took} ms`)
  })

  it('a span costs little, kept or not', async () => {
    const telemetry = await start({ sampleRatio: 0 })
    const clock: Clock = systemClock
    const before = clock.monotonic()
    for (let index = 0; index < 10_000; index++) telemetry.span('call').end()
    const each = (clock.monotonic() - before) / 10
    await telemetry.shutdown()
    assert.ok(each < 100, `${each} µs for a span that is not kept`)
  })
})
