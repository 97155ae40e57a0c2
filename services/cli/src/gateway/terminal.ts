/** The terminal of `up`: cards of waiting calls, decided by a key press of the person that the configuration names. */
import { ReadStream } from 'node:tty'
import { renderCardText } from '@lockkeeper/approval'
import { isRefusal } from '@lockkeeper/domain/errors'
import { TOPICS } from '@lockkeeper/domain/events'
import { print } from '../commands/output.ts'
import { decideAtTerminal } from './decide-at-terminal.ts'
import { openKeyPress } from './key-press.ts'
import type { LoadedConfig } from './load-config.ts'
import type { Gateway } from './wire.ts'

export interface Terminal { close(): void }

const SETTLED = new Set(['approval.approved', 'approval.denied', 'approval.expired', 'approval.cancelled'])

/** Where standard input is no terminal, it says how else to decide. */
export function openTerminal(gateway: Gateway, { config }: LoadedConfig, onInterrupt: () => void): Terminal {
  const person = config.terminal?.person
  const input = process.stdin
  const keys = person !== undefined && input instanceof ReadStream && input.isTTY
    ? openKeyPress({ input, output: process.stdout, onInterrupt, decide: (id, verdict) => decideAtTerminal(gateway, person, id, verdict) })
    : undefined
  const subscription = gateway.events.subscribe({ topic: TOPICS.approvals, name: 'terminal' }, async ({ event }) => {
    const { approval } = event.data as { readonly approval: string }
    if (SETTLED.has(event.type)) keys?.settled(approval)
    if (event.type !== 'approval.requested') return
    const detail = await gateway.approval.admin.show(approval)
    if (isRefusal(detail) || detail.approval.state !== 'pending') return
    const card = detail.card === undefined ? detail.summary : renderCardText(detail.card, { width: widthOf(process.stdout.columns) })
    if (keys === undefined) print(`\n${card}\n${approval}: decide with lockkeeper approvals approve|deny ${approval}`)
    else keys.ask({ id: approval, card })
  })
  return {
    close() {
      keys?.close()
      void subscription.close()
    },
  }
}

/** A terminal that does not know its size says 0. */
function widthOf(columns: number | undefined): number {
  return columns === undefined || columns === 0 ? 100 : Math.min(columns, 120)
}
