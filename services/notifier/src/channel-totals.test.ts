import assert from 'node:assert/strict'
import { startTelemetry } from '@lockkeeper/service-kit/telemetry'
import { manualClock, startOtlpReceiver, startSlackServer } from '@lockkeeper/testkit'
import { BOT_TOKEN, openNotifier } from '../test/harness.ts'

const log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }

describe('what the notifier counts', () => {
  it('attempts by channel and by what came of them, and for how long a channel has taken nothing', async () => {
    const [receiver, slack] = await Promise.all([startOtlpReceiver(), startSlackServer(BOT_TOKEN)])
    const telemetry = await startTelemetry({ serviceName: 's', version: '1', instance: 'i', mode: 'sandbox', endpoint: receiver.endpoint, sampleRatio: 0, clock: manualClock(), log })
    assert.ok(telemetry !== undefined)
    const channel = (name: string, place: string) => ({ kind: 'slack', name, token: 'slack-token', channel: place, apiUrl: slack.apiUrl } as const)
    const world = await openNotifier({ channels: [channel('good', 'C0GOOD'), channel('other', 'C0OTHER')], telemetry })
    await world.ask()
    slack.next({ status: 503 })
    await world.deliver()
    world.clock.advance(40_000)
    const failing = world.service.status().map(({ failingMs }) => failingMs)
    assert.deepEqual(failing.toSorted((left, right) => left - right), [0, 40_000])
    await telemetry.shutdown()
    const points = (metric: string): readonly string[] => receiver.points.filter((point) => point.metric === metric).map(({ labels, value }) => `${labels['lockkeeper.channel.kind']} ${labels['lockkeeper.outcome'] ?? ''} ${value}`).sort()
    assert.deepEqual(points('lockkeeper.notifications'), ['slack failed 0', 'slack failed 0', 'slack retried 0', 'slack retried 1', 'slack sent 0', 'slack sent 1'])
    assert.deepEqual(points('lockkeeper.notifications.failing'), ['slack  0', 'slack  40'])
    await world.deliver()
    assert.deepEqual(world.service.status().map(({ failingMs, sent }) => [failingMs, sent]), [[0, 1], [0, 1]])
    await world.close()
    await Promise.all([receiver.close(), slack.close()])
  })
})
