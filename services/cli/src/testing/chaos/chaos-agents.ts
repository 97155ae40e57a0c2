/** Tests only: agents that work off planned calls and send each again until it is settled, as their answers tell them to. */
import { setTimeout as sleep } from 'node:timers/promises'
import { createAgent, type Answer, type Heard } from '../agent-client.ts'
import type { ChaosEdition } from './chaos-edition.ts'
import type { CallKind, PlannedCall } from './planned-calls.ts'

/** An answer that arrived whole. */
export interface HeardAnswer { readonly marker: string, readonly kind: CallKind, readonly status: number, readonly reason: string | undefined, readonly at: number }

export interface AgentsReport {
  /** Requests that were sent, those included whose answer never came. */
  readonly sent: number
  readonly answers: readonly HeardAnswer[]
  /** Answers that no call should get, and calls that found no end. */
  readonly surprises: readonly string[]
}

export interface Agents {
  /** Calls that are settled. */
  readonly done: number
  run(): Promise<AgentsReport>
}

const PAUSE_MS = 60
/** For one call, however often it is sent. */
const PATIENCE_MS = 120_000
/** A part is down or busy: the same call again. */
const AGAIN = [502, 503]

/** How the call ended, or undefined: it must be sent again. */
function endOf({ kind }: PlannedCall, { status, reason }: Answer): 'settled' | 'surprise' | undefined {
  if (status === 428 || AGAIN.includes(status)) return undefined
  if (status === 200) return kind === 'denied' || kind === 'declined' ? 'surprise' : 'settled'
  if (status === 403) return kind === 'denied' && reason === 'POLICY_DENIED' || kind === 'declined' && reason === 'APPROVAL_DENIED' ? 'settled' : 'surprise'
  return status === 409 && reason === 'OUTCOME_UNKNOWN' && kind === 'asked' ? 'settled' : 'surprise'
}

export function createAgents(edition: ChaosEdition, calls: readonly PlannedCall[], count: number, { signal, patienceMs = PATIENCE_MS }: { readonly signal: AbortSignal, readonly patienceMs?: number | undefined }): Agents {
  const heard: Heard = { sent: 0, texts: [], tokens: [] }
  const answers: HeardAnswer[] = []
  const surprises: string[] = []
  let next = 0
  let done = 0

  async function once(id: string, token: string, call: PlannedCall, turn: number): Promise<Answer | undefined> {
    const origins = edition.origins()
    const agent = createAgent({ id, run: id, token }, () => origins[turn % origins.length] ?? 'http://127.0.0.1:1', heard)
    try {
      const answer = await agent.call(call.verb, call.place, call.body === undefined ? {} : { body: call.body })
      answers.push({ marker: call.marker, kind: call.kind, status: answer.status, reason: answer.reason, at: performance.now() })
      return answer
    } catch {
      // Its process was killed, or is not up again. The call's end is unknown to the agent, who sends it again.
      return undefined
    } finally {
      // Nothing of the answers' texts is needed here, and there are many.
      heard.texts.length = 0
    }
  }

  /** A claim whose holder is dead: nobody may send the call again, and it is known as unknown only ten minutes later. */
  async function isInDoubt({ status, metadata }: Answer): Promise<boolean> {
    const approval = metadata['approval']
    if (status !== 428 || approval === undefined) return false
    return await edition.state(approval).catch(() => undefined) === 'claimed'
  }

  async function settle(id: string, token: string, call: PlannedCall): Promise<void> {
    let last: Answer | undefined
    for (let turn = next, until = performance.now() + patienceMs; performance.now() < until && !signal.aborted; turn++) {
      last = await once(id, token, call, turn)
      const end = last === undefined ? undefined : endOf(call, last)
      if (end === 'settled') return
      if (end === 'surprise') return void surprises.push(`${call.marker}: ${last?.status} ${last?.reason ?? ''} ${last?.message ?? ''}`)
      if (last !== undefined && await isInDoubt(last)) return
      if (last?.status !== 428) await sleep(PAUSE_MS)
    }
    surprises.push(`${call.marker}: no end within ${patienceMs} ms; the last answer: ${last?.status} ${last?.reason ?? ''}`)
  }

  async function work(id: string): Promise<void> {
    const token = await edition.token(id)
    for (let call = calls[next++]; call !== undefined && !signal.aborted; call = calls[next++]) {
      await settle(id, token, call)
      done += 1
    }
  }

  return {
    get done() { return done },
    async run() {
      await Promise.all(Array.from({ length: count }, (_, index) => work(`agent-${index}`)))
      return { sent: heard.sent, answers, surprises }
    },
  }
}
