/** One call before the person who decides it. */
import { useCallback, useEffect, useState } from 'react'
import type { ApprovalDetail, Decided } from '../../src/api-types.ts'
import { useMe } from '../me.ts'
import { Facts, Instant, Link, Loading, ProblemNote, Title } from '../parts/basics.tsx'
import { CallCard } from '../parts/call-card.tsx'
import { DecideForm } from '../parts/decide-form.tsx'
import { SoFar } from '../parts/so-far.tsx'
import { useNow } from '../ticking.ts'
import { useData } from '../use-data.ts'
import { span, stateWord } from '../words.ts'

/** Ms after which a card that waits looks again: somebody else may have decided. */
const AGAIN_MS = 3_000

export function CardPage({ id }: { readonly id: string }) {
  const { person } = useMe()
  const { data, problem, again } = useData<ApprovalDetail>(`/api/approvals/${encodeURIComponent(id)}`)
  const [decided, setDecided] = useState<string>()
  const open = data !== undefined && ['pending', 'approved', 'claimed'].includes(data.approval.state)
  useEffect(() => {
    if (!open) return undefined
    const timer = setInterval(again, AGAIN_MS)
    return () => clearInterval(timer)
  }, [open, again])
  const onDecided = useCallback((outcome: Decided, verdict: 'approve' | 'deny') => {
    setDecided(outcomeText(outcome, verdict))
    again()
  }, [again])
  if (data === undefined) return <><Title tab="Call">Call</Title>{problem === undefined ? <Loading /> : <ProblemNote text={problem} again={again} />}</>
  const { approval, card, votes, quorum, reviewers, lock } = data
  const pending = approval.state === 'pending'
  const voted = votes.some((vote) => vote.person === person.id)
  const may = reviewers.includes(person.id) || data.offer.breakGlass.includes(person.id)
  return (
    <article className="card-page">
      <p className="crumb"><Link to="/">Inbox</Link></p>
      <Title tab={card?.title ?? data.summary}>{card?.title ?? data.summary}</Title>
      <p className="state" role="status">{decided ?? `${stateWord(approval.state)}${approval.reason === undefined ? '' : `: ${approval.reason}`}`}</p>
      {pending ? <TimeLeft until={approval.expiresAt} /> : null}
      {lock === undefined ? null : <p className="note problem">A lock freezes this call: {lock.reason} (by {lock.by}). It can be decided once the lock is lifted.</p>}
      {card === undefined ? <p className="note">The call itself is no longer kept.</p> : <CallCard card={card} />}
      <SoFar agent={approval.agent} run={approval.run} asked={card?.soFar ?? []} />
      <section aria-labelledby="who"><h2 id="who">Who decides</h2>
        <Facts rows={[['Needed', `${quorum} of ${reviewers.join(', ') || 'nobody'}`], ['Request', <code key="id">{approval.id}</code>], ['Asked', <Instant key="at" at={approval.at} />]]} />
        {votes.length === 0 ? null : <ul className="votes">{votes.map((vote) => <li key={`${vote.person}${vote.at}`}><strong>{vote.person}</strong> {vote.verdict === 'approve' ? 'approved' : 'denied'} <Instant at={vote.at} /> <span className="faint">({vote.proof}{vote.breakGlass === true ? ', break-glass' : ''})</span>{vote.reason === undefined ? null : <q>{vote.reason}</q>}</li>)}</ul>}
      </section>
      {pending && may && !voted && lock === undefined && card !== undefined ? <DecideForm detail={data} card={card} onDecided={onDecided} /> : null}
      {pending && !may ? <p className="note">You are not among those who may decide this call.</p> : null}
    </article>
  )
}

function TimeLeft({ until }: { readonly until: number }) {
  const left = until - useNow()
  return <p className={left < 120_000 ? 'soon' : 'faint'}>{left > 0 ? <>Expires in {span(left)}. Running out of time is no denial.</> : 'Out of time.'}</p>
}

function outcomeText({ state, approvals, quorum, grant, review }: Decided, verdict: 'approve' | 'deny'): string {
  if (verdict === 'deny') return 'You denied it. The agent is told your reason.'
  const more = `${grant === undefined ? '' : ` The pattern is grant ${grant}.`}${review === undefined ? '' : ` Review ${review} stays open until another person closes it.`}`
  return state === 'pending' ? `Your approval counts: ${approvals} of ${quorum}.${more}` : `You approved it. The call can run now, once.${more}`
}
