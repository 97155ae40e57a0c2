/** Where I am signed in, and the end of it everywhere; for another person where an operator has reason to. */
import { useId, useState, type FormEvent } from 'react'
import type { SignIns } from '../../src/api-types.ts'
import { post, textOf } from '../api.ts'
import { useMe } from '../me.ts'
import { Instant, Loading, ProblemNote, Title } from '../parts/basics.tsx'
import { useData } from '../use-data.ts'
import { count } from '../words.ts'

export function SignInsPage({ onSignedOut }: { readonly onSignedOut: () => void }) {
  const { person, operator } = useMe()
  const { data, problem, again } = useData<SignIns>('/api/sign-ins')
  const [wrong, setWrong] = useState<string>()
  const everywhere = (): void => void post('/api/sign-ins/end').then(onSignedOut, (error: unknown) => setWrong(textOf(error)))
  return (
    <>
      <Title tab="Sign-ins">Sign-ins</Title>
      <p>Browsers in which you are signed in as {person.name}. Each ends after half an hour without use, and after eight hours.</p>
      <ProblemNote text={problem ?? wrong} again={again} />
      {data === undefined && problem === undefined ? <Loading /> : null}
      <ul className="cards">{data?.signIns.map(({ startedAt, usedAt, current }) => (
        <li key={`${startedAt}-${usedAt}`} className="block"><h2>{current ? 'This browser' : 'Another browser'}</h2><p className="row faint"><span>signed in <Instant at={startedAt} /></span><span>used <Instant at={usedAt} /></span></p></li>
      ))}</ul>
      <div className="buttons"><button type="button" onClick={everywhere}>Sign out everywhere</button></div>
      {operator ? <SomebodyElse /> : null}
    </>
  )
}

function SomebodyElse() {
  const [person, setPerson] = useState('')
  const [said, setSaid] = useState<string>()
  const [problem, setProblem] = useState<string>()
  const id = useId()
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    setProblem(undefined)
    post<{ readonly ended: number }>('/api/sign-ins/end', { person }).then(({ ended }) => setSaid(`${person} was signed out of ${count(ended, 'browser')}.`), (error: unknown) => setProblem(textOf(error)))
  }
  return (
    <section className="panel" aria-labelledby={`${id}-title`}>
      <h2 id={`${id}-title`}>Somebody else</h2>
      <p>When a device is lost, end its person's sessions. They can sign in again; who may not do that any more is taken out of the people file.</p>
      <form className="stack" onSubmit={submit}>
        <label htmlFor={`${id}-person`}>Person</label>
        <input id={`${id}-person`} value={person} onChange={(event) => setPerson(event.target.value)} required maxLength={128} autoComplete="off" spellCheck={false} />
        <p role="status">{said}</p>
        <ProblemNote text={problem} />
        <div className="buttons"><button type="submit" className="quiet" disabled={person.trim() === ''}>Sign this person out</button></div>
      </form>
    </section>
  )
}
