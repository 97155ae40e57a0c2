/** A button that asks for a reason, and for a typed word where a click by habit would be grave. */
import { useId, useState, type FormEvent } from 'react'
import { textOf } from '../api.ts'
import { ProblemNote } from './basics.tsx'

export interface ReasonActionProps {
  readonly label: string
  /** On the button that does it. */
  readonly act: string
  /** Typed before it can be done. */
  readonly confirm?: string
  readonly danger?: boolean
  readonly onDo: (reason: string) => Promise<void>
}

export function ReasonAction({ label, act, confirm, danger, onDo }: ReasonActionProps) {
  const [open, setOpen] = useState(false)
  const [reason, setReason] = useState('')
  const [typed, setTyped] = useState('')
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState<string>()
  const id = useId()
  if (!open) return <button type="button" className="quiet" onClick={() => setOpen(true)}>{label}</button>
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    setBusy(true)
    onDo(reason).then(() => setOpen(false), (error: unknown) => setProblem(textOf(error))).finally(() => setBusy(false))
  }
  return (
    <form className="inline-form" onSubmit={submit}>
      <label htmlFor={`${id}-reason`}>Reason</label>
      <input id={`${id}-reason`} value={reason} onChange={(event) => setReason(event.target.value)} required maxLength={1000} autoFocus />
      {confirm === undefined ? null : <><label htmlFor={`${id}-word`}>Type <code>{confirm}</code></label><input id={`${id}-word`} value={typed} onChange={(event) => setTyped(event.target.value)} autoComplete="off" spellCheck={false} /></>}
      <ProblemNote text={problem} />
      <div className="buttons">
        <button type="submit" className={danger === true ? 'danger' : ''} disabled={busy || reason.trim() === '' || (confirm !== undefined && typed !== confirm)}>{act}</button>
        <button type="button" className="quiet" onClick={() => setOpen(false)}>Cancel</button>
      </div>
    </form>
  )
}
