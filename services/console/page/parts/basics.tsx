/** Small parts that every page is made of. */
import { useEffect, useRef, type MouseEvent, type ReactNode } from 'react'
import { go } from '../place.ts'
import { instant } from '../words.ts'

/** A page's heading takes the focus when the page opens, so that a screen reader says where it is. */
export function Title({ children, tab }: { readonly children: ReactNode, readonly tab: string }) {
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    document.title = `${tab} · Lockkeeper`
    heading.current?.focus({ preventScroll: true })
  }, [tab])
  return <h1 ref={heading} tabIndex={-1}>{children}</h1>
}

export function Link({ to, children, className, current }: { readonly to: string, readonly children: ReactNode, readonly className?: string, readonly current?: boolean }) {
  const follow = (event: MouseEvent): void => {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return
    event.preventDefault()
    go(to)
  }
  return <a href={to} onClick={follow} className={className} aria-current={current === true ? 'page' : undefined}>{children}</a>
}

export function Risk({ risk }: { readonly risk: string }) {
  return <span className={`risk risk-${risk}`}>{risk}</span>
}

export function Instant({ at }: { readonly at: number }) {
  return <time dateTime={new Date(at).toISOString()}>{instant(at)}</time>
}

/** What went wrong, said at once to a screen reader. */
export function ProblemNote({ text, again }: { readonly text: string | undefined, readonly again?: (() => void) | undefined }) {
  if (text === undefined) return null
  return <div className="note problem" role="alert"><p>{text}</p>{again === undefined ? null : <button type="button" className="quiet" onClick={again}>Try again</button>}</div>
}

export function Loading() {
  return <p className="faint" role="status">Loading…</p>
}

/** The next page of a list, where there is one. */
export function More({ next, problem }: { readonly next?: (() => void) | undefined, readonly problem?: string | undefined }) {
  return <>{problem === undefined ? null : <ProblemNote text={problem} />}{next === undefined ? null : <p className="more"><button type="button" className="quiet" onClick={next}>Show older</button></p>}</>
}

export function Empty({ children }: { readonly children: ReactNode }) {
  return <p className="empty">{children}</p>
}

/** Name and value, one under the other on a phone. */
export function Facts({ rows }: { readonly rows: readonly (readonly [name: string, value: ReactNode])[] }) {
  return <dl className="facts">{rows.map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}</dl>
}
