/** A mail's link, opened by the person whom it was for; its request follows. */
import { useCallback, useEffect, useRef, useState } from 'react'
import type { OpenedLink } from '../../src/api-types.ts'
import { post, Problem, textOf } from '../api.ts'
import { Link, Loading, ProblemNote, Title } from '../parts/basics.tsx'
import { goInstead } from '../place.ts'

interface Failure { readonly text: string, readonly passing: boolean }

export function OpenPage({ token }: { readonly token: string }) {
  const [failure, setFailure] = useState<Failure>()
  const begun = useRef(false)
  const open = useCallback(() => {
    setFailure(undefined)
    post<OpenedLink>('/api/mail-links', { token }).then(
      ({ approval }) => goInstead(`/a/${encodeURIComponent(approval)}`),
      (error: unknown) => setFailure({ text: textOf(error), passing: error instanceof Problem && (error.status === 0 || error.status >= 500) }),
    )
  }, [token])
  useEffect(() => {
    // Once, also where effects run twice: the link opens once.
    if (begun.current) return
    begun.current = true
    open()
  }, [open])
  if (failure === undefined) return <><Title tab="Link">Opening the request of your mail</Title><Loading /></>
  return <><Title tab="Link">This link does not open</Title><ProblemNote text={failure.text} again={failure.passing ? open : undefined} /><p><Link to="/">To your inbox</Link></p></>
}
