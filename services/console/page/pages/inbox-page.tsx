/** What waits: for me, or for anybody. Updates by itself and says so. */
import { useEffect, useRef, useState } from 'react'
import type { Inbox, WaitingCall } from '../../src/api-types.ts'
import { useLiveInbox, type Line } from '../live-inbox.ts'
import { useMe } from '../me.ts'
import { useOlder } from '../use-older.ts'
import { Empty, Link, Loading, More, Risk, Title } from '../parts/basics.tsx'
import { useNow } from '../ticking.ts'
import { count, span } from '../words.ts'

const LINES: Readonly<Record<Line, string>> = {
  connecting: 'Connecting…', live: 'Live', cut: 'Connection lost; trying again. What you see may be old.', trouble: 'The approval service does not answer now. What you see may be old; decisions will not get through.',
}

export function InboxPage({ onSignedOut }: { readonly onSignedOut: () => void }) {
  const { person } = useMe()
  const { inbox, line } = useLiveInbox(onSignedOut)
  const [all, setAll] = useState(false)
  const older = useOlder<Inbox>('/api/inbox', inbox?.cursor)
  const waiting = allOf(inbox, older.pages)
  const mine = waiting.filter(({ reviewers, approvedBy }) => reviewers.includes(person.id) && !approvedBy.includes(person.id))
  const more = older.next === undefined ? '' : '+'
  const shown = all ? waiting : mine
  return (
    <>
      <div className="heading"><Title tab={mine.length > 0 ? `(${mine.length}) Inbox` : 'Inbox'}>Inbox</Title><p className={`line line-${line}`} role="status">{LINES[line]}</p></div>
      <div className="tabs" role="group" aria-label="Which calls">
        <button type="button" aria-pressed={!all} onClick={() => setAll(false)}>For me <span className="count">{mine.length}{more}</span></button>
        <button type="button" aria-pressed={all} onClick={() => setAll(true)}>All waiting <span className="count">{waiting.length}{more}</span></button>
      </div>
      <Announcer waiting={mine} />
      {inbox === undefined ? <Loading /> : null}
      {inbox !== undefined && shown.length === 0 ? <Empty>{all ? 'Nothing waits for anybody.' : more === '' ? 'Nothing waits for you.' : 'Nothing of these waits for you; older calls may.'} New calls appear here by themselves.</Empty> : null}
      <ul className="cards">{shown.map((each) => <Waiting key={each.id} call={each} me={person.id} />)}</ul>
      <More {...older} />
      {inbox?.cursor === undefined ? null : <p className="note">More than 200 calls wait. Deny or lock what should not be there: one agent may be asking too much.</p>}
    </>
  )
}

/** Each once: what is on an older page may have come into the live one. */
function allOf(inbox: Inbox | undefined, older: readonly Inbox[]): readonly WaitingCall[] {
  return [...new Map([...older.toReversed(), ...inbox === undefined ? [] : [inbox]].flatMap(({ waiting }) => waiting).map((call) => [call.id, call])).values()].sort((left, right) => right.at - left.at)
}

function Waiting({ call, me }: { readonly call: WaitingCall, readonly me: string }) {
  const now = useNow()
  const left = call.expiresAt - now
  return (
    <li className={`waiting edge-${call.risk}`}>
      <Link to={`/a/${encodeURIComponent(call.id)}`} className="cover">{call.title}</Link>
      <p className="row"><Risk risk={call.risk} /> <code>{call.method}</code></p>
      <p className="row"><span>{call.agent}</span> <span className="faint">for {call.sponsor ?? 'nobody'}</span>{call.escalated ? <span className="tag">escalated</span> : null}</p>
      <p className="row faint"><span>asked {span(Math.max(1_000, now - call.at))} ago</span> <span className={left < 120_000 ? 'soon' : ''}>{left > 0 ? `${span(left)} left` : 'out of time'}</span>
        <span>{call.approvedBy.length} of {call.quorum} approved</span>{call.reviewers.includes(me) ? null : <span>not yours to decide</span>}</p>
    </li>
  )
}

/** Says only what is new: a list that is read out whole at each change would be noise. */
function Announcer({ waiting }: { readonly waiting: readonly WaitingCall[] }) {
  const known = useRef<ReadonlySet<string> | undefined>(undefined)
  const [text, setText] = useState('')
  useEffect(() => {
    const fresh = known.current === undefined ? [] : waiting.filter(({ id }) => known.current?.has(id) === false)
    known.current = new Set(waiting.map(({ id }) => id))
    if (fresh.length > 0) setText(fresh.length === 1 ? `New: ${fresh[0]?.title ?? ''}` : `${count(fresh.length, 'new call')} for you`)
  }, [waiting])
  return <p className="hidden" aria-live="polite">{text}</p>
}
