/** The newest runs of agents. */
import type { RunSummary } from '../../src/api-types.ts'
import { Empty, Instant, Link, Loading, ProblemNote, Title } from '../parts/basics.tsx'
import { useData } from '../use-data.ts'
import { count } from '../words.ts'

export function RunsPage() {
  const { data, problem, again } = useData<{ readonly runs: readonly RunSummary[] }>('/api/runs')
  return (
    <>
      <Title tab="Runs">Runs</Title>
      <p>One run is one task of one agent. Here are those of the newest 1,000 records.</p>
      <ProblemNote text={problem} again={again} />
      {data === undefined && problem === undefined ? <Loading /> : null}
      {data?.runs.length === 0 ? <Empty>No agent has called yet.</Empty> : null}
      <ul className="cards">{data?.runs.map(({ agent, run, calls, refused, waiting, last }) => (
        <li key={`${agent} ${run}`} className="waiting">
          <Link to={`/runs/${encodeURIComponent(run)}`} className="cover">{run}</Link>
          <p className="row"><span>{agent}</span> <span>{count(calls, 'call')}</span> <span>{refused} refused</span>{waiting > 0 ? <span>{waiting} answered “still waiting”</span> : null}</p>
          <p className="row faint">last seen <Instant at={last} /></p>
        </li>
      ))}</ul>
    </>
  )
}
