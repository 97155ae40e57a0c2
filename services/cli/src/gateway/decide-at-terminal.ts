/** A decision made where the gateway runs: signed with the key of this terminal, checked by the approval service like any other. */
import { isRefusal } from '@lockkeeper/domain/errors'
import { CommandFailed } from '../command-failed.ts'
import type { Gateway } from './wire.ts'

/** Resolves with the new state; CommandFailed with the service's text when it refuses. */
export async function decideAtTerminal({ approval, terminal }: Pick<Gateway, 'approval' | 'terminal'>, person: string, id: string, verdict: 'approve' | 'deny', reason?: string): Promise<string> {
  const detail = await approval.admin.show(id)
  if (isRefusal(detail)) throw new CommandFailed(detail.message)
  const decision = { approval: id, digest: detail.approval.digest, verdict, reason: reason ?? `key press of ${person} at the gateway's terminal` }
  const decided = await approval.admin.decide(terminal.decide(decision, person))
  if (isRefusal(decided)) throw new CommandFailed(decided.message)
  return decided.state
}
