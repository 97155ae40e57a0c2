/** The kill switch: for an agent, a run, a target, or everything. */
import { useId, useState, type FormEvent } from 'react'
import type { Lock } from '../../src/api-types.ts'
import { EVERYTHING } from '../../src/confirm-word.ts'
import { post, textOf } from '../api.ts'
import { useMe } from '../me.ts'
import { Empty, Facts, Instant, Loading, ProblemNote, Title } from '../parts/basics.tsx'
import { ReasonAction } from '../parts/reason-action.tsx'
import { useData } from '../use-data.ts'

type Kind = Lock['scope']['kind']

const KINDS: readonly (readonly [Kind, string])[] = [['agent', 'An agent'], ['run', 'A run'], ['target', 'A target'], ['everything', 'Everything']]
const ENDS: readonly (readonly [string, string])[] = [['', 'until somebody lifts it'], ['900000', 'for 15 min'], ['3600000', 'for 1 h'], ['86400000', 'for 1 d']]

export function LocksPage() {
  const { operator } = useMe()
  const { data, problem, again } = useData<{ readonly locks: readonly Lock[] }>('/api/locks')
  return (
    <>
      <Title tab="Locks">Locks</Title>
      <p>A lock stops new calls at once, ends held ones, cuts streams and freezes what waits.</p>
      <ProblemNote text={problem} again={again} />
      {data === undefined && problem === undefined ? <Loading /> : null}
      {data?.locks.length === 0 ? <Empty>Nothing is locked.</Empty> : null}
      <ul className="cards">{data?.locks.map((lock) => (
        <li key={lock.id} className="block edge-critical">
          <h2>{nameOf(lock.scope)}</h2>
          <Facts rows={[['Because', lock.reason], ['By', lock.by], ['Since', <Instant key="s" at={lock.at} />], ['Until', lock.until === undefined ? 'somebody lifts it' : <Instant key="u" at={lock.until} />]]} />
          {operator ? <ReasonAction label="Lift" act="Lift the lock" {...lock.scope.kind === 'everything' ? { confirm: EVERYTHING } : {}} onDo={(reason) => post(`/api/locks/${encodeURIComponent(lock.id)}/lift`, { reason }).then(again)} /> : null}
        </li>
      ))}</ul>
      {operator ? <NewLock onSet={again} /> : <p className="note">Only operators set and lift locks; your person is in none of their groups.</p>}
    </>
  )
}

function nameOf(scope: Lock['scope']): string {
  switch (scope.kind) {
    case 'everything': return 'Everything'
    case 'agent': return `Agent ${scope.agent}`
    case 'run': return `Run ${scope.run}`
    case 'target': return `Target ${scope.target}`
  }
}

function NewLock({ onSet }: { readonly onSet: () => void }) {
  const [kind, setKind] = useState<Kind>('agent')
  const [name, setName] = useState('')
  const [reason, setReason] = useState('')
  const [ends, setEnds] = useState('')
  const [typed, setTyped] = useState('')
  const [told, setTold] = useState<string>()
  const [problem, setProblem] = useState<string>()
  const id = useId()
  const everything = kind === 'everything'
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    setProblem(undefined)
    setTold(undefined)
    const scope = everything ? { kind } : { kind, [kind]: name.trim() }
    post<Lock>('/api/locks', { scope, reason, ...ends === '' ? {} : { forMs: Number(ends) }, ...everything ? { confirm: typed } : {} }).then((lock) => {
      setTold(`Locked: ${nameOf(lock.scope)}. Live gateways obey within a second.`)
      setName('')
      setReason('')
      setTyped('')
      onSet()
    }, (error: unknown) => setProblem(textOf(error)))
  }
  return (
    <section className="panel" aria-labelledby={`${id}-title`}>
      <h2 id={`${id}-title`}>Set a lock</h2>
      <form className="stack" onSubmit={submit}>
        <label htmlFor={`${id}-kind`}>What</label>
        <select id={`${id}-kind`} value={kind} onChange={(event) => setKind(event.target.value as Kind)}>{KINDS.map(([value, text]) => <option key={value} value={value}>{text}</option>)}</select>
        {everything ? null : <><label htmlFor={`${id}-name`}>Its {kind === 'agent' ? 'id' : 'name'}</label><input id={`${id}-name`} value={name} onChange={(event) => setName(event.target.value)} required maxLength={512} spellCheck={false} autoCapitalize="off" /></>}
        <label htmlFor={`${id}-reason`}>Reason</label>
        <input id={`${id}-reason`} value={reason} onChange={(event) => setReason(event.target.value)} required maxLength={1000} />
        <label htmlFor={`${id}-ends`}>How long</label>
        <select id={`${id}-ends`} value={ends} onChange={(event) => setEnds(event.target.value)}>{ENDS.map(([value, text]) => <option key={value} value={value}>{text}</option>)}</select>
        {everything ? <><label htmlFor={`${id}-word`}>This stops every agent. Type <code>{EVERYTHING}</code></label><input id={`${id}-word`} value={typed} onChange={(event) => setTyped(event.target.value)} autoComplete="off" spellCheck={false} autoCapitalize="off" /></> : null}
        <ProblemNote text={problem} />
        <p role="status">{told}</p>
        <div className="buttons"><button type="submit" className="danger" disabled={reason.trim() === '' || (everything ? typed !== EVERYTHING : name.trim() === '')}>Lock</button></div>
      </form>
    </section>
  )
}
