/** What the agent did so far in this run: the last calls, and how they ended. */
import type { RunSession } from '../../src/api-types.ts'
import { useData } from '../use-data.ts'
import { count } from '../words.ts'
import { Link, ProblemNote } from './basics.tsx'
import { callSteps, StepLine } from './timeline.tsx'

const LAST = 5

export function SoFar({ agent, run, asked }: { readonly agent: string, readonly run: string, readonly asked: readonly string[] }) {
  const { data, problem } = useData<RunSession>(`/api/runs/${encodeURIComponent(run)}?agent=${encodeURIComponent(agent)}`)
  const steps = data === undefined ? [] : callSteps(data)
  return (
    <section aria-labelledby="so-far"><h2 id="so-far">This run so far</h2>
      {asked.length === 0 ? null : <ul className="plain" aria-label="Asked of people before">{asked.map((each) => <li key={each}>{each}</li>)}</ul>}
      <ProblemNote text={problem} />
      {data !== undefined && steps.length === 0 && asked.length === 0 ? <p className="faint">This is the run's first call.</p> : null}
      {steps.length === 0 ? null : <><ol className="timeline small">{steps.slice(-LAST).map((step) => <StepLine key={step.records[0]?.id ?? step.at} step={step} />)}</ol>
        <p><Link to={`/runs/${encodeURIComponent(run)}`}>Whole run: {count(steps.length, 'call')}</Link></p></>}
    </section>
  )
}
