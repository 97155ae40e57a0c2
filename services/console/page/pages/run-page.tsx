/** One run from its first call to its last: calls, decisions, holds, masked bodies. */
import { useState } from 'react'
import type { RunSession } from '../../src/api-types.ts'
import { Empty, Link, Loading, ProblemNote, Title } from '../parts/basics.tsx'
import { StepLine } from '../parts/timeline.tsx'
import { useData } from '../use-data.ts'
import { count } from '../words.ts'

export function RunPage({ run }: { readonly run: string }) {
  const [bodies, setBodies] = useState(false)
  const { data, problem, again } = useData<RunSession>(`/api/runs/${encodeURIComponent(run)}?bodies=${String(bodies)}`)
  return (
    <>
      <p className="crumb"><Link to="/runs">Runs</Link></p>
      <Title tab={`Run ${run}`}>Run {run}</Title>
      <p>{data === undefined ? '' : `${count(data.steps.length, 'step')} of ${data.agents.join(', ') || 'nobody'}.`}{data?.truncated === true ? ' There is more than is shown.' : ''}</p>
      <p className="filter"><label><input type="checkbox" checked={bodies} onChange={(event) => setBodies(event.target.checked)} /> With masked bodies</label> <button type="button" className="quiet small" onClick={again}>Look again</button></p>
      <ProblemNote text={problem} again={again} />
      {data === undefined && problem === undefined ? <Loading /> : null}
      {data?.steps.length === 0 ? <Empty>There are no records of this run.</Empty> : null}
      <ol className="timeline">{data?.steps.map((step) => <StepLine key={step.records[0]?.id ?? step.at} step={step} bodies={bodies} />)}</ol>
    </>
  )
}
