/** Beyond this one call: a pattern of calls like it, for a while. What is not opened here stays as in the call. */
import { useEffect, useId, useState } from 'react'
import type { ApprovalDetail, Pattern } from '../../src/api-types.ts'
import { span } from '../words.ts'

type Offer = NonNullable<ApprovalDetail['offer']['pattern']>

const TIMES = [15 * 60_000, 3_600_000, 4 * 3_600_000, 8 * 3_600_000, 24 * 3_600_000, 7 * 86_400_000]

export function PatternChoice({ offer, onChange }: { readonly offer: Offer, readonly onChange: (pattern: Pattern | undefined) => void }) {
  const [wide, setWide] = useState(false)
  const [uses, setUses] = useState(Math.min(5, offer.maxUses))
  const times = TIMES.filter((each) => each <= offer.maxForMs)
  const [forMs, setForMs] = useState(times.length === 0 ? offer.maxForMs : times[Math.min(1, times.length - 1)] as number)
  const [run, setRun] = useState(true)
  const [resources, setResources] = useState(offer.resources.join('\n'))
  const [open, setOpen] = useState<readonly string[]>([])
  const id = useId()
  useEffect(() => {
    onChange(wide ? { resources: resources.split('\n').map((each) => each.trim()).filter((each) => each !== ''), arguments: Object.fromEntries(open.map((name) => [name, { any: true } as const])), run, uses, forMs } : undefined)
  }, [wide, uses, forMs, run, resources, open, onChange])
  return (
    <fieldset className="choice"><legend>How far</legend>
      <label><input type="radio" name={id} checked={!wide} onChange={() => setWide(false)} /> This call, once</label>
      <label><input type="radio" name={id} checked={wide} onChange={() => setWide(true)} /> Calls like it, for a while</label>
      {wide ? <div className="stack pattern">
        <label htmlFor={`${id}-uses`}>Calls at most (1 to {offer.maxUses})</label>
        <input id={`${id}-uses`} type="number" min={1} max={offer.maxUses} value={uses} onChange={(event) => setUses(Math.min(offer.maxUses, Math.max(1, Number(event.target.value) || 1)))} />
        <label htmlFor={`${id}-for`}>For</label>
        <select id={`${id}-for`} value={forMs} onChange={(event) => setForMs(Number(event.target.value))}>{(times.length === 0 ? [offer.maxForMs] : times).map((each) => <option key={each} value={each}>{span(each)}</option>)}</select>
        <label><input type="checkbox" checked={run} onChange={(event) => setRun(event.target.checked)} /> In this run only</label>
        {offer.resources.length === 0 ? null : <><label htmlFor={`${id}-on`}>On resources (one a line; * stands for a part, ** for all below)</label><textarea id={`${id}-on`} rows={Math.min(4, offer.resources.length + 1)} value={resources} onChange={(event) => setResources(event.target.value)} spellCheck={false} /></>}
        {offer.places.length === 0 ? null : <fieldset className="places"><legend>What may differ from this call</legend>{offer.places.map(({ name, value }) => <label key={name}><input type="checkbox" checked={open.includes(name)} onChange={(event) => setOpen(event.target.checked ? [...open, name] : open.filter((each) => each !== name))} /> <code>{name}</code> <span className="faint">{value}</span></label>)}</fieldset>}
      </div> : null}
    </fieldset>
  )
}
