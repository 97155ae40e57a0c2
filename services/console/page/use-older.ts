/** What follows the first page of a list, page by page, as the person asks for it. */
import { useState } from 'react'
import { get, textOf } from './api.ts'

interface Page { readonly cursor?: string }

export interface Older<P> {
  /** The pages after the first. */
  readonly pages: readonly P[]
  readonly problem?: string
  /** Asks for the next one; undefined where there is none, or while one is on its way. */
  readonly next?: () => void
}

interface Kept<P> { readonly path: string, readonly pages: readonly P[], readonly busy: boolean, readonly problem?: string }

/** `first`: the first page's cursor. Another path is another list. */
export function useOlder<P extends Page>(path: string, first: string | undefined): Older<P> {
  const [kept, setKept] = useState<Kept<P>>({ path, pages: [], busy: false })
  const { pages, busy, problem } = kept.path === path ? kept : { pages: [], busy: false, problem: undefined }
  const cursor = pages.length === 0 ? first : pages.at(-1)?.cursor
  const settle = (change: Pick<Kept<P>, 'pages'> & { readonly problem?: string }): void => setKept((before) => before.path === path ? { path, busy: false, ...change } : before)
  const next = (): void => {
    setKept({ path, pages, busy: true })
    const query = `${path.includes('?') ? '&' : '?'}cursor=${encodeURIComponent(cursor ?? '')}`
    get<P>(path + query).then((page) => settle({ pages: [...pages, page] }), (error: unknown) => settle({ pages, problem: textOf(error) }))
  }
  return { pages, ...problem === undefined ? {} : { problem }, ...cursor === undefined || busy ? {} : { next } }
}
