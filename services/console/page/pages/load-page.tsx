/** How much is asked of whom: approvers who are asked too often stop reading. */
import { useState } from 'react'
import type { LoadOf, LoadReport } from '../../src/api-types.ts'
import { Empty, Loading, ProblemNote, Title } from '../parts/basics.tsx'
import { useData } from '../use-data.ts'
import { percent, span } from '../words.ts'

export function LoadPage() {
  const [days, setDays] = useState(7)
  const { data, problem, again } = useData<LoadReport>(`/api/load?days=${days}`)
  return (
    <>
      <Title tab="Load">Load</Title>
      <p>Approvals within three seconds are seldom read. A rule that asks more than its share wears its approvers out.</p>
      <p className="filter"><label htmlFor="days">Days</label> <select id="days" value={days} onChange={(event) => setDays(Number(event.target.value))}>{[1, 7, 30, 90].map((each) => <option key={each} value={each}>{each}</option>)}</select></p>
      <ProblemNote text={problem} again={again} />
      {data === undefined && problem === undefined ? <Loading /> : null}
      {data === undefined ? null : <><Table caption="Persons" rows={data.persons.map((each) => ({ ...each, name: each.called }))} /><Table caption="Rules" rows={data.rules.map((each) => ({ ...each, note: each.tooMuch ? `asks too much: ${percent(each.share)}` : percent(each.share) }))} /></>}
    </>
  )
}

function Table({ caption, rows }: { readonly caption: string, readonly rows: readonly (LoadOf & { readonly note?: string })[] }) {
  const noted = rows.some(({ note }) => note !== undefined)
  if (rows.length === 0) return <section><h2>{caption}</h2><Empty>Nothing was asked in these days.</Empty></section>
  return (
    <section><h2>{caption}</h2><div className="scroll" tabIndex={0} role="region" aria-label={caption}><table>
      <thead><tr><th scope="col">Name</th><th scope="col">A day</th><th scope="col">Asked</th><th scope="col">Approved</th><th scope="col">Denied</th><th scope="col">Median</th><th scope="col">Within 3 s</th>{noted ? <th scope="col">Share</th> : null}</tr></thead>
      <tbody>{rows.map(({ name, askedPerDay, asked, approved, denied, medianMs, fastShare, note }) => <tr key={name}><th scope="row">{name}</th><td>{askedPerDay}</td><td>{asked}</td><td>{approved}</td><td>{denied}</td><td>{medianMs === undefined ? '–' : span(medianMs)}</td><td>{percent(fastShare)}</td>{noted ? <td>{note}</td> : null}</tr>)}</tbody>
    </table></div></section>
  )
}
