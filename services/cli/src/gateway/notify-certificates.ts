/** Certificates that channels of `notify` name by file. */
import type { NotifySettings } from '@lockkeeper/notifier'

/** `certificateAuthority: ./ca.pem` becomes its content; `read` names what is missing. */
export function readCertificates(notify: NotifySettings, read: (file: string, path: readonly PropertyKey[]) => string): NotifySettings {
  return { ...notify, channels: notify.channels.map((channel, index) => {
    const at = ['notify', 'channels', index]
    if (channel.kind === 'webhook' && channel.certificateAuthority !== undefined) return { ...channel, certificateAuthority: read(channel.certificateAuthority, [...at, 'certificateAuthority']) }
    if (channel.kind === 'email' && channel.smtp.certificateAuthority !== undefined) return { ...channel, smtp: { ...channel.smtp, certificateAuthority: read(channel.smtp.certificateAuthority, [...at, 'smtp', 'certificateAuthority']) } }
    return channel
  }) }
}
