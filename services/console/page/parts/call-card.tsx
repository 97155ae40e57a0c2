/** The card: what will be sent, in words first. Every text comes safe to show from the approval service. */
import type { Card } from '../../src/api-types.ts'
import { Facts, Risk } from './basics.tsx'

export function CallCard({ card }: { readonly card: Card }) {
  return (
    <>
      {card.mode === 'sandbox' ? <p className="note">Sandbox: nothing here touches Google Cloud.</p> : null}
      <p className={`risk-line edge-${card.risk}`}><Risk risk={card.risk} /> It {card.riskWhy}.</p>
      {card.warnings.length === 0 ? null : <ul className="warnings" aria-label="Warnings">{card.warnings.map((each) => <li key={each}>{each}</li>)}</ul>}
      {card.earlier === undefined ? null : <p className="note">{card.earlier}</p>}
      {card.iam.length === 0 ? null : <section aria-labelledby="access"><h2 id="access">Who gains and loses access</h2><Diff lines={card.iam} /></section>}
      {card.edits.length === 0 ? null : <section aria-labelledby="edits"><h2 id="edits">What becomes of it</h2><ul className="diff">{card.edits.map((each) => <Edit key={each} line={each} />)}</ul></section>}
      {card.changed.length === 0 ? null : <section aria-labelledby="changed"><h2 id="changed">What is different from last time</h2><ul className="plain">{card.changed.map((each) => <li key={each}>{each}</li>)}</ul></section>}
      <section aria-labelledby="what"><h2 id="what">What will be sent</h2>
        <Facts rows={[
          ['Method', <code key="m">{card.method}</code>], ['Call', <code key="c">{card.call}</code>],
          ...card.resources.length === 0 ? [] : [['On', <Lines key="r" lines={card.resources} />] as const],
          ...card.arguments.length === 0 ? [] : [['Arguments', <Lines key="a" lines={card.arguments} />] as const],
          ...card.effect === undefined ? [] : [['Effect', card.effect] as const],
          ...card.undo === undefined ? [] : [['Undo', card.undo] as const],
          ...card.boundTo.length === 0 ? [] : [['Holds for', <Lines key="s" lines={card.boundTo} plain />] as const],
          ...card.headers.length === 0 ? [] : [['Headers', <Lines key="h" lines={card.headers} />] as const],
        ]} />
        {card.body.length === 0 ? null : <Body lines={card.body} folded={card.iam.length > 0} />}
      </section>
      <section aria-labelledby="asks"><h2 id="asks">Who asks</h2>
        {card.statedReason === undefined ? null : <figure className="untrusted"><blockquote>{card.statedReason}</blockquote><figcaption>The agent's own words. Nobody checked them.</figcaption></figure>}
        <Facts rows={[['Agent', card.agent], ['Works for', card.chain.length === 0 ? card.sponsor : `${card.sponsor}, through ${card.chain.join(' → ')}`], ['Run', card.run], ...card.soFar.length === 0 ? [] : [['So far in this run, before persons', <Lines key="so" lines={card.soFar} plain />] as const], ['Isolation', card.isolation], ['Rule', <code key="rule">{card.rule}</code>], ...card.reasons.length === 0 ? [] : [['Because', <Lines key="b" lines={card.reasons} plain />] as const]]} />
      </section>
    </>
  )
}

/** Folded where the change in it is shown above; whole and in sight everywhere else. */
function Body({ lines, folded }: { readonly lines: readonly string[], readonly folded: boolean }) {
  const text = <pre tabIndex={0} aria-label="Body">{lines.join('\n')}</pre>
  return folded ? <details><summary>Body as it is sent</summary>{text}</details> : <><h3>Body</h3>{text}</>
}

function Lines({ lines, plain = false }: { readonly lines: readonly string[], readonly plain?: boolean }) {
  return <ul className="lines">{lines.map((each) => <li key={each}>{plain ? each : <code>{each}</code>}</li>)}</ul>
}

/** `field: before → after`: both in sight, each with its word. */
function Edit({ line }: { readonly line: string }) {
  const [, field, before, after] = /^([^:]+): (.*) → (.*)$/.exec(line) ?? []
  if (field === undefined || before === undefined || after === undefined) return <li className="other"><span>{line}</span></li>
  return <li className="edit"><code>{field}</code><span className="was"><span className="word">was</span> <code>{before}</code></span><span className="is"><span className="word">becomes</span> <code>{after}</code></span></li>
}

const SIGNS: Readonly<Record<string, { readonly sign: string, readonly word: string, readonly kind: string }>> = {
  '+ ': { sign: '+', word: 'gains', kind: 'added' }, '- ': { sign: '−', word: 'loses', kind: 'removed' }, '! ': { sign: '!', word: 'note', kind: 'other' },
}

/** Sign, word and colour say the same; none is needed to read the others. */
function Diff({ lines }: { readonly lines: readonly string[] }) {
  return <ul className="diff">{lines.map((line) => {
    const known = SIGNS[line.slice(0, 2)]
    if (known === undefined) return <li key={line} className="other"><span>{line}</span></li>
    const [role = '', ...rest] = line.slice(2).split('  ')
    return <li key={line} className={known.kind}><span className="sign" aria-hidden="true">{known.sign}</span><span className="word">{known.word}</span><span>{rest.length === 0 ? role : <><strong>{rest.join('  ')}</strong> <code>{role}</code></>}</span></li>
  })}</ul>
}
