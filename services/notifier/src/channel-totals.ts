/** What has become of messages, by channel, and since when a channel takes none. */
import type { Telemetry } from '@lockkeeper/service-kit/telemetry'
import type { ChannelStatus } from './channel-worker.ts'

export function observeChannels(telemetry: Telemetry | undefined, status: () => readonly ChannelStatus[]): void {
  telemetry?.total({ name: 'lockkeeper.notifications', unit: '{message}', text: 'Attempts to deliver messages, by channel and by what came of them; failed: given up.' }, () => status().flatMap(({ name, kind, sent, retried, failed }) =>
    Object.entries({ sent, retried, failed }).map(([outcome, count]) => [count, { 'lockkeeper.channel': name, 'lockkeeper.channel.kind': kind, 'lockkeeper.outcome': outcome }] as const)))
  telemetry?.gauge({ name: 'lockkeeper.notifications.failing', unit: 's', text: 'Since a channel first failed to take a message without taking one after it; 0: the last was taken.' }, () => status().map(({ name, kind, failingMs }) => [failingMs / 1000, { 'lockkeeper.channel': name, 'lockkeeper.channel.kind': kind }] as const))
}
