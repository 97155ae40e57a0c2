/** What break-glass left to be looked at by somebody else. */
import { useState } from 'react'
import type { Challenge, Review } from '../../src/api-types.ts'
import { post } from '../api.ts'
import { useMe } from '../me.ts'
import { Empty, Facts, Instant, Link, Loading, ProblemNote, Title } from '../parts/basics.tsx'
import { ReasonAction } from '../parts/reason-action.tsx'
import { usePasskey } from '../passkey.ts'
import { useData } from '../use-data.ts'

export function ReviewsPage() {
  const { person } = useMe()
  const [closed, setClosed] = useState(false)
  const { data, problem, again } = useData<{ readonly reviews: readonly Review[] }>(`/api/reviews?open=${closed ? 'false' : 'true'}`)
  return (
    <>
      <Title tab="Reviews">Reviews</Title>
      <p>Each time somebody broke the glass, a review stays open until another person closes it.</p>
      <p className="filter"><label><input type="checkbox" checked={closed} onChange={(event) => setClosed(event.target.checked)} /> Show closed ones instead</label></p>
      <ProblemNote text={problem} again={again} />
      {data === undefined && problem === undefined ? <Loading /> : null}
      {data?.reviews.length === 0 ? <Empty>{closed ? 'None was closed yet.' : 'No review is open.'}</Empty> : null}
      <ul className="cards">{data?.reviews.map((review) => (
        <li key={review.id} className="block">
          <h2>{review.summary}</h2>
          <Facts rows={[
            ['Broken by', review.by.join(', ')], ['Because', review.reason], ['When', <Instant key="t" at={review.at} />], ['Rule', <code key="r">{review.rule}</code>],
            ['Call', <Link key="c" to={`/a/${encodeURIComponent(review.approval)}`}>{review.approval}</Link>],
            ...review.closed === undefined ? [] : [['Closed', `by ${review.closed.by}: ${review.closed.note}`] as const],
          ]} />
          {review.open && !review.by.includes(person.id) ? <ReasonAction label="Close the review" act="Close it" onDo={(note) => close(review.id, note).then(again)} /> : null}
          {review.open && review.by.includes(person.id) ? <p className="faint">You broke the glass; another person closes it.</p> : null}
        </li>
      ))}</ul>
    </>
  )
}

async function close(id: string, note: string): Promise<void> {
  const path = `/api/reviews/${encodeURIComponent(id)}`
  const challenge = await post<Challenge>(`${path}/challenge`, { note })
  if (challenge.kind === 'redirect') return location.assign(challenge.location)
  await post(`${path}/close`, { note, at: challenge.at, assertion: await usePasskey(challenge) })
}
