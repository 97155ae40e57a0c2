/** What was asked before, newest first. */
import { useState } from 'react'
import type { Approval } from '../../src/api-types.ts'
import { Empty, Instant, Link, Loading, More, ProblemNote, Title } from '../parts/basics.tsx'
import { useData } from '../use-data.ts'
import { useOlder } from '../use-older.ts'
import { shortName, stateWord } from '../words.ts'

interface Page { readonly approvals: readonly Approval[], readonly cursor?: string }

const STATES = ['', 'pending', 'approved', 'denied', 'expired', 'cancelled', 'answered', 'unknown']

export function HistoryPage() {
  const [state, setState] = useState('')
  const path = `/api/approvals?limit=50${state === '' ? '' : `&state=${state}`}`
  const { data, problem, again } = useData<Page>(path)
  const older = useOlder<Page>(path, data?.cursor)
  const shown = [data, ...older.pages].flatMap((page) => page?.approvals ?? [])
  return (
    <>
      <Title tab="History">History</Title>
      <p className="filter"><label htmlFor="state">Show</label> <select id="state" value={state} onChange={(event) => setState(event.target.value)}>{STATES.map((each) => <option key={each} value={each}>{each === '' ? 'everything' : stateWord(each)}</option>)}</select></p>
      <ProblemNote text={problem} again={again} />
      {data === undefined && problem === undefined ? <Loading /> : null}
      {data !== undefined && shown.length === 0 ? <Empty>Nothing here yet.</Empty> : null}
      <ul className="cards">{shown.map((each) => (
        <li key={each.id} className={`waiting done-${each.state}`}>
          <Link to={`/a/${encodeURIComponent(each.id)}`} className="cover">{shortName(each.resources[0] ?? each.method)}</Link>
          <p className="row"><code>{each.method}</code></p>
          <p className="row"><strong>{stateWord(each.state)}</strong> <span>{each.agent}</span> <span className="faint">run {each.run}</span></p>
          <p className="row faint"><Instant at={each.at} />{each.reason === undefined ? null : <span>{each.reason}</span>}</p>
        </li>
      ))}</ul>
      <More {...older} />
    </>
  )
}
