/** Patterns of calls that were approved: how much is left of each, and its end at a click. */
import { useState } from 'react'
import type { Grant } from '../../src/api-types.ts'
import { post } from '../api.ts'
import { useMe } from '../me.ts'
import { Empty, Facts, Instant, Link, Loading, ProblemNote, Title } from '../parts/basics.tsx'
import { ReasonAction } from '../parts/reason-action.tsx'
import { useData } from '../use-data.ts'

export function GrantsPage() {
  const { person, operator } = useMe()
  const [all, setAll] = useState(false)
  const [mine, setMine] = useState(true)
  const { data, problem, again } = useData<{ readonly grants: readonly Grant[] }>(`/api/grants?limit=200${all ? '&all=true' : ''}`)
  const shown = data?.grants.filter(({ by }) => !mine || by.includes(person.id)) ?? []
  return (
    <>
      <Title tab="Grants">Grants</Title>
      <p>Patterns of calls that run without asking again, until they are used up, over or revoked.</p>
      <p className="filter"><label><input type="checkbox" checked={mine} onChange={(event) => setMine(event.target.checked)} /> Only those I gave</label> <label><input type="checkbox" checked={all} onChange={(event) => setAll(event.target.checked)} /> Also those that are over</label></p>
      <ProblemNote text={problem} again={again} />
      {data === undefined && problem === undefined ? <Loading /> : null}
      {data !== undefined && shown.length === 0 ? <Empty>{mine ? 'You gave none that is in force.' : 'None is in force.'}</Empty> : null}
      <ul className="cards">{shown.map((grant) => (
        <li key={grant.id} className="block">
          <h2>{grant.summary}</h2>
          <Facts rows={[
            ['State', grant.state === 'live' ? 'In force' : grant.state === 'revoked' ? `Revoked by ${grant.revoked?.by ?? ''}: ${grant.revoked?.reason ?? ''}` : grant.state === 'used' ? 'Used up' : 'Over'],
            ['Used', <span key="u"><meter min={0} max={grant.pattern.uses} value={grant.used} aria-label="Calls used" /> {grant.used} of {grant.pattern.uses}</span>],
            ['Until', <Instant key="t" at={grant.until} />], ['Agent', `${grant.agent}${grant.pattern.run ? `, run ${grant.run} only` : ''}`], ['Method', <code key="m">{grant.method}</code>],
            ['On', <ul key="on" className="lines">{grant.pattern.resources.map((each) => <li key={each}><code>{each}</code></li>)}</ul>],
            ...Object.keys(grant.pattern.arguments).length === 0 ? [] : [['May differ', Object.keys(grant.pattern.arguments).join(', ')] as const],
            ['Given by', grant.by.join(', ')], ['With', <Link key="w" to={`/a/${encodeURIComponent(grant.approval)}`}>{grant.approval}</Link>],
          ]} />
          {operator && grant.state === 'live' ? <ReasonAction label="Revoke" act="Revoke it now" danger onDo={(reason) => post(`/api/grants/${encodeURIComponent(grant.id)}/revoke`, { reason }).then(again)} /> : null}
        </li>
      ))}</ul>
    </>
  )
}
