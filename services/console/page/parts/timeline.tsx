/** Steps of a run: a call with its outcomes, or something that a person or the gateway did. */
import type { RunRecord, RunSession } from '../../src/api-types.ts'
import { clock, shortName, span } from '../words.ts'
import { Link } from './basics.tsx'

export type Step = RunSession['steps'][number]

export function callSteps({ steps }: RunSession): readonly Step[] {
  return steps.filter(({ records: [first] }) => first !== undefined && first.kind !== 'event' && first.origin === 'agent')
}

const RESULTS: Readonly<Record<string, string>> = { answered: 'answered', refused: 'refused', failed: 'failed upstream', unknown: 'not known whether it ran', receipt: 'stored answer given', pending: 'waits', left: 'agent went away' }

function outcomeText({ result = '', status, reason, durationMs, heldMs, masked }: RunRecord): string {
  const parts = [RESULTS[result] ?? result, status === undefined || status === 0 ? '' : String(status), reason ?? '', durationMs === undefined ? '' : span(durationMs), heldMs === undefined ? '' : `held ${span(heldMs)}`, masked === undefined || masked === 0 ? '' : `${masked} masked`]
  return parts.filter((part) => part !== '').join(' · ')
}

function kindOf(records: readonly RunRecord[]): string {
  const results = records.map(({ result }) => result)
  if (results.includes('unknown')) return 'unknown'
  if (results.includes('answered') || results.includes('receipt')) return 'answered'
  return results.includes('refused') || results.includes('failed') ? 'refused' : 'open'
}

export function StepLine({ step, bodies = false }: { readonly step: Step, readonly bodies?: boolean }) {
  const [first] = step.records
  if (first === undefined) return null
  if (first.kind === 'event') return <li className="step step-event"><time dateTime={new Date(step.at).toISOString()}>{clock(step.at)}</time><div><p>{first.text}{first.who === undefined ? null : <span className="faint"> by {first.who}</span>}</p></div></li>
  const outcomes = step.records.filter(({ kind }) => kind === 'outcome')
  const approval = step.records.find((each) => each.approval !== undefined)?.approval
  return (
    <li className={`step step-${kindOf(step.records)}`}><time dateTime={new Date(step.at).toISOString()}>{clock(step.at)}</time>
      <div>
        <p><code>{first.method ?? `${first.verb ?? ''} ${first.host ?? ''}${first.path ?? ''}`}</code> <span className="where">{shortName(first.resources?.[0] ?? '')}</span>{first.origin === 'gateway' ? <span className="tag">gateway's own read</span> : null}</p>
        <p className="faint">{outcomes.map(outcomeText).join(', then ') || 'no outcome yet'}{first.rule === undefined ? '' : ` · ${first.rule}`}{approval === undefined ? null : <> · <Link to={`/a/${encodeURIComponent(approval)}`}>{approval}</Link></>}</p>
        {bodies ? <><Body name="Sent" body={step.request} /><Body name="Got" body={step.response} /></> : null}
      </div>
    </li>
  )
}

const MOST = 4_000

function Body({ name, body }: { readonly name: string, readonly body: Step['request'] }) {
  if (body === undefined) return null
  const text = body.text ?? body.base64
  if (text === undefined) return <p className="faint">{name}: not kept</p>
  return <details><summary>{name} (masked)</summary><pre tabIndex={0} aria-label={`${name}, masked`}>{text.length > MOST ? `${text.slice(0, MOST)}… (${text.length} characters)` : text}</pre></details>
}
