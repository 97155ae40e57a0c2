/** What has become of messages, by channel. */
import type { Telemetry } from '@lockkeeper/service-kit/telemetry'
import type { ChannelStatus } from './channel-worker.ts'

export function observeChannels(telemetry: Telemetry | undefined, status: () => readonly ChannelStatus[]): void {
  telemetry?.total({ name: 'lockkeeper.notifications', unit: '{message}', text: 'Attempts to deliver messages, by channel and by what came of them; failed: given up.' }, () => status().flatMap(({ name, kind, sent, retried, failed }) =>
    Object.entries({ sent, retried, failed }).map(([outcome, count]) => [count, { 'lockkeeper.channel': name, 'lockkeeper.channel.kind': kind, 'lockkeeper.outcome': outcome }] as const)))
}
