/** Runs of agents, newest first. */
import type { RunsPage as Page } from '../../src/api-types.ts'
import { Empty, Instant, Link, Loading, More, ProblemNote, Title } from '../parts/basics.tsx'
import { mergeRuns } from '../../src/runs.ts'
import { useData } from '../use-data.ts'
import { useOlder } from '../use-older.ts'
import { count } from '../words.ts'

export function RunsPage() {
  const { data, problem, again } = useData<Page>('/api/runs')
  const older = useOlder<Page>('/api/runs', data?.cursor)
  const runs = mergeRuns([data, ...older.pages].flatMap((page) => page?.runs ?? []))
  return (
    <>
      <Title tab="Runs">Runs</Title>
      <p>One run is one task of one agent.{data?.cursor === undefined ? '' : ' Older records may add to what is counted here.'}</p>
      <ProblemNote text={problem} again={again} />
      {data === undefined && problem === undefined ? <Loading /> : null}
      {data !== undefined && runs.length === 0 ? <Empty>No agent has called yet.</Empty> : null}
      <ul className="cards">{runs.map(({ agent, run, calls, refused, waiting, last }) => (
        <li key={`${agent} ${run}`} className="waiting">
          <Link to={`/runs/${encodeURIComponent(run)}`} className="cover">{run}</Link>
          <p className="row"><span>{agent}</span> {calls === 0 ? <span className="faint">no call has ended yet</span> : <><span>{count(calls, 'call')}</span> <span>{refused} refused</span></>}{waiting > 0 ? <span>{waiting} answered “still waiting”</span> : null}</p>
          <p className="row faint">last seen <Instant at={last} /></p>
        </li>
      ))}</ul>
      <More {...older} />
    </>
  )
}
