import assert from 'node:assert/strict'
import { manualClock, startOtlpReceiver } from '@lockkeeper/testkit'
import { cloudEvent } from '@lockkeeper/domain/events'
import { startTelemetry } from '@lockkeeper/service-kit/telemetry'
import { aCase } from '../test/cases.ts'
import { ApprovalTelemetry } from './approval-telemetry.ts'
import { factEvents, viewOf } from './facts.ts'
import type { RoutingRights } from './routing.ts'

const CASE = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
const CONSOLE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
/** Asked for escalations only. */
const rights = {} as RoutingRights

describe('telemetry of the approval service', () => {
  it('a decision stands in the trace of its call, links to what it came with, and counts by what came of it', async () => {
    const receiver = await startOtlpReceiver()
    const clock = manualClock()
    const log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }
    const telemetry = await startTelemetry({ serviceName: 's', version: '1', instance: 'i', mode: 'sandbox', endpoint: receiver.endpoint, sampleRatio: 0, clock, log })
    assert.ok(telemetry !== undefined)
    const approval = new ApprovalTelemetry(telemetry, clock)
    const since = approval.begin()
    clock.advance(12)
    approval.decided(aCase('approved', { at: clock.now() - 2_000, traceparent: CASE }), 'approve', cloudEvent('decision.submitted', '/console', 'e1', clock.now(), {}, undefined, CONSOLE), since)
    approval.decided(aCase('pending'), 'approve', undefined, since)
    approval.refused('deny', 'TOKEN_INVALID')
    await telemetry.shutdown()
    await receiver.close()
    const [span] = receiver.spans
    assert.equal(receiver.spans.length, 1, 'a case without a trace that is kept adds none')
    assert.deepEqual([span?.trace, span?.parent], CASE.split('-').slice(1, 3))
    assert.deepEqual(span?.links.map(({ trace }) => trace), [CONSOLE.split('-')[1]])
    assert.equal((span?.end ?? 0n) - (span?.start ?? 0n), 12_000_000n)
    const counted = receiver.points.filter(({ metric }) => metric === 'lockkeeper.approval.decisions').map(({ labels, value }) => `${labels['lockkeeper.verdict']} ${labels['lockkeeper.outcome']} ${value}`)
    assert.deepEqual(counted.sort(), ['approve approved 1', 'approve pending 1', 'deny TOKEN_INVALID 1'])
    assert.deepEqual(receiver.points.filter(({ metric }) => metric === 'lockkeeper.approval.wait').map(({ value, sum }) => [value, sum]), [[1, 2]])
  })

  it('facts and what proxies see of a case carry its trace, and nothing where it has none', () => {
    const facts = [{ type: 'approval.expired', data: {} } as const]
    assert.deepEqual([factEvents(aCase('expired', { traceparent: CASE }), facts, 0, rights)[0]?.traceparent, viewOf(aCase('expired', { traceparent: CASE })).traceparent], [CASE, CASE])
    assert.deepEqual(['traceparent' in (factEvents(aCase('expired'), facts, 0, rights)[0] ?? {}), 'traceparent' in viewOf(aCase('expired'))], [false, false])
  })
})
