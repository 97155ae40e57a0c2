/** What is left afterwards: the session in order, a log that verifies, and no credential in the wrong hands. */
import type { RecordEntry } from '@lockkeeper/domain/records'
import { shortened } from '../client-report.ts'
import type { TourStep } from '../context.ts'
import { expect } from '../context.ts'
import { hashOf } from '../../upstream/request-log.ts'

const MOST_LINES = 60

export const timeline: TourStep = {
  title: 'the session reads as a timeline',
  async run(context, say) {
    const records = await context.audit.session(context.agent.run)
    const results = new Set(records.map((entry) => entry.kind === 'outcome' ? entry.result : undefined))
    for (const wanted of ['answered', 'refused', 'receipt'] as const) expect(results.has(wanted), `the session has no record of a call that was ${wanted}`)
    const lines = records.toSorted((left, right) => left.at - right.at).flatMap((entry) => timelineLine(entry) ?? [])
    for (const line of lines.slice(0, MOST_LINES)) say(line)
    if (lines.length > MOST_LINES) say(`… and ${lines.length - MOST_LINES} more`)
  },
}

/** Intents are left out: their outcomes tell the same and more. */
export function timelineLine(entry: RecordEntry): string | undefined {
  const at = new Date(entry.at).toISOString().slice(11, 23)
  if (entry.kind === 'event') return `${at} ${entry.name}: ${shortened(entry.text, 110)}`
  if (entry.kind === 'intent') return undefined
  const what = entry.method ?? shortened(`${entry.verb} ${entry.host}${entry.path}`, 60)
  const why = entry.result === 'answered' ? entry.rule : entry.reason ?? entry.rule
  const masked = entry.masked === undefined || entry.masked === 0 ? '' : `, ${entry.masked} masked`
  const held = entry.heldMs === undefined || entry.heldMs === 0 ? '' : `, held ${entry.heldMs < 1_000 ? `${Math.round(entry.heldMs)} ms` : `${(entry.heldMs / 1_000).toFixed(1)} s`}`
  return `${at} ${entry.origin === 'gateway' ? '(gateway) ' : ''}${what}: ${entry.result} ${entry.status}${why === undefined ? '' : ` (${why})`}${masked}${held}`
}

export const logVerified: TourStep = {
  title: 'the log verifies: nothing changed, dropped or reordered',
  async run({ audit }, say) {
    const { ok, entries, problems } = await audit.verify()
    expect(ok, `the verifier found: ${problems.slice(0, 3).join('; ')}`)
    expect(entries > 0, 'the log is empty')
    say(`${entries} entries verified`)
  },
}

export const credentialsApart: TourStep = {
  title: 'the agent\'s token never went upstream, and the upstream\'s credential never came back',
  async run(context, say) {
    const requests = context.upstream.requests.list()
    const [own, agents] = [hashOf(`Bearer ${context.upstream.credential}`), hashOf(`Bearer ${await context.agentToken()}`)]
    expect(requests.length > 0, 'no request reached the upstream')
    const wrong = requests.find(({ headers }) => headers.authorization !== own)
    expect(wrong === undefined, `${wrong?.method} ${wrong?.path} reached the upstream ${wrong?.headers.authorization === agents ? 'with the agent\'s token' : 'with another credential'}`)
    const records = JSON.stringify(await context.audit.session(context.agent.run))
    expect(!records.includes(context.upstream.credential) && !records.includes(await context.agentToken()), 'a token stands in the records')
    say(`${requests.length} requests reached the upstream, all with the gateway's credential; no token stands in the session's records`)
  },
}
