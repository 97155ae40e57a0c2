/** Approve or deny: a reason, a typed word before what is grave, and proof that an agent cannot replay. */
import { useId, useState } from 'react'
import type { ApprovalDetail, Card, Challenge, Decided, Pattern, Said } from '../../src/api-types.ts'
import { confirmWord } from '../../src/confirm-word.ts'
import { post, Problem, textOf } from '../api.ts'
import { useMe } from '../me.ts'
import { usePasskey } from '../passkey.ts'
import { ProblemNote } from './basics.tsx'
import { PatternChoice } from './pattern-choice.tsx'

export interface DecideFormProps {
  readonly detail: ApprovalDetail
  readonly card: Card
  readonly onDecided: (outcome: Decided, verdict: 'approve' | 'deny') => void
}

export function DecideForm({ detail, card, onDecided }: DecideFormProps) {
  const { approval, offer } = detail
  const { person, decideBy } = useMe()
  const [reason, setReason] = useState('')
  const [typed, setTyped] = useState('')
  const [pattern, setPattern] = useState<Pattern>()
  const [busy, setBusy] = useState<string>()
  const [problem, setProblem] = useState<string>()
  const id = useId()
  const word = card.risk === 'critical' ? confirmWord(approval) : undefined
  const needsReason = offer.reasonRequired
  const mayDecide = detail.reviewers.includes(person.id)
  const decide = (verdict: 'approve' | 'deny', breakGlass = false): void => {
    const said: Said = { verdict, ...reason.trim() === '' ? {} : { reason: reason.trim() }, ...verdict === 'approve' && pattern !== undefined && !breakGlass ? { grant: pattern } : {}, ...breakGlass ? { breakGlass: true } : {} }
    setBusy(decideBy === 'passkey' ? 'Waiting for your passkey…' : 'Going to your identity provider…')
    setProblem(undefined)
    submit(approval.id, { said, digest: card.digest, ...word === undefined ? {} : { confirm: typed } }).then((outcome) => { if (outcome !== undefined) onDecided(outcome, verdict) }, (error: unknown) => setProblem(textOf(error))).finally(() => setBusy(undefined))
  }
  const blocked = busy !== undefined || (needsReason && reason.trim() === '')
  const unconfirmed = word !== undefined && typed !== word
  return (
    <section className="panel decide" aria-labelledby={`${id}-title`}>
      <h2 id={`${id}-title`}>Decide</h2>
      <div className="stack">
        <label htmlFor={`${id}-reason`}>Reason {needsReason ? '(required by the rule)' : '(the agent is told it when you deny)'}</label>
        <textarea id={`${id}-reason`} rows={2} value={reason} onChange={(event) => setReason(event.target.value)} maxLength={2000} required={needsReason} />
        {word === undefined ? null : <><label htmlFor={`${id}-word`}>This is of class critical. To approve, type <code>{word}</code></label>
          <input id={`${id}-word`} value={typed} onChange={(event) => setTyped(event.target.value)} autoComplete="off" autoCapitalize="off" spellCheck={false} aria-describedby={`${id}-hint`} /></>}
        {mayDecide && offer.pattern !== undefined ? <PatternChoice offer={offer.pattern} onChange={setPattern} /> : null}
      </div>
      <ProblemNote text={problem} />
      <p className="faint" id={`${id}-hint`} role="status">{busy ?? (decideBy === 'passkey' ? 'Your passkey is asked for; it signs exactly this decision.' : 'You sign in anew; your identity provider signs exactly this decision.')}</p>
      <div className="buttons">
        {mayDecide ? <button type="button" className="approve" disabled={blocked || unconfirmed} onClick={() => decide('approve')}>{pattern === undefined ? 'Approve this call once' : `Approve up to ${pattern.uses} calls`}</button> : null}
        {mayDecide ? <button type="button" className="danger" disabled={blocked} onClick={() => decide('deny')}>Deny</button> : null}
        {offer.breakGlass.includes(person.id) ? <button type="button" className="danger" disabled={blocked || unconfirmed || reason.trim() === ''} onClick={() => decide('approve', true)}>Break the glass</button> : null}
      </div>
      {offer.breakGlass.includes(person.id) ? <p className="faint">Breaking the glass approves at once and alone. It needs a reason and opens a review that another person must close.</p> : null}
    </section>
  )
}

interface Asked { readonly said: Said, readonly digest: string, readonly confirm?: string }

/** Undefined where the page goes on at the identity provider. */
async function submit(id: string, asked: Asked): Promise<Decided | undefined> {
  const path = `/api/approvals/${encodeURIComponent(id)}`
  const challenge = await post<Challenge>(`${path}/challenge`, asked)
  if (challenge.kind === 'redirect') {
    location.assign(challenge.location)
    return undefined
  }
  const assertion = await usePasskey(challenge)
  return post<Decided>(`${path}/decisions`, { ...asked, at: challenge.at, assertion }).catch((error: unknown) => {
    throw error instanceof Problem && error.status === 401 ? new Problem(`${error.message} The call still waits.`, 401) : error
  })
}
