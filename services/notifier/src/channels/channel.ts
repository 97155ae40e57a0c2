/** What a channel is to the rest of the notifier: it names its recipients and brings one message to one of them. */
import type { CloudEvent } from '@lockkeeper/domain/events'
import type { Subject } from '../subject.ts'

export interface Message {
  /** Id of the delivery; the same with every attempt. */
  readonly id: string
  readonly recipient: string
  readonly subject: Subject
  readonly ref: string
  /** With channels that send facts as they are. */
  readonly event?: CloudEvent
  /** Where the message is that has been sent before; undefined: this is the first. */
  readonly place?: Readonly<Record<string, string>>
}

export type Attempt =
  | { readonly kind: 'sent', readonly place?: Readonly<Record<string, string>> }
  /** Tried again. `askedMs`: the provider said for how long to leave it alone. `down`: the channel itself, so that others wait too. */
  | { readonly kind: 'again', readonly why: string, readonly askedMs?: number, readonly down?: boolean }
  /** Trying again cannot help. */
  | { readonly kind: 'failed', readonly why: string }

export interface Channel {
  readonly kind: string
  readonly name: string
  /** `each`: every fact is a message of its own; `latest`: one message, changed as things go on. */
  readonly follows: 'each' | 'latest'
  /** Whom it tells about this; empty: nobody. */
  recipients(subject: Subject): readonly string[]
  /** Never rejects for what is the provider's fault. */
  send(message: Message): Promise<Attempt>
  /** Why the channel cannot be used now; undefined when it answers. Sends nobody anything. */
  check(): Promise<string | undefined>
}
