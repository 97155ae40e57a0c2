/** The console: who is signed in, the frame around every page, and which page it is. */
import { useCallback, useEffect, useState } from 'react'
import type { Me } from '../src/api-types.ts'
import { get, Problem, textOf, useSessionToken } from './api.ts'
import { keepLink, takeLink } from './kept-link.ts'
import { MeContext } from './me.ts'
import { CardPage } from './pages/card-page.tsx'
import { GrantsPage } from './pages/grants-page.tsx'
import { HistoryPage } from './pages/history-page.tsx'
import { InboxPage } from './pages/inbox-page.tsx'
import { KeysPage } from './pages/keys-page.tsx'
import { LoadPage } from './pages/load-page.tsx'
import { LocksPage } from './pages/locks-page.tsx'
import { OpenPage } from './pages/open-page.tsx'
import { ReviewsPage } from './pages/reviews-page.tsx'
import { RunPage } from './pages/run-page.tsx'
import { RunsPage } from './pages/runs-page.tsx'
import { SignInsPage } from './pages/sign-ins-page.tsx'
import { SignInPage } from './pages/sign-in-page.tsx'
import { Loading, ProblemNote } from './parts/basics.tsx'
import { Frame } from './parts/frame.tsx'
import { goInstead, usePath } from './place.ts'
import { setServerTime } from './ticking.ts'

export function App() {
  const [me, setMe] = useState<Me | 'nobody'>()
  const [problem, setProblem] = useState<string>()
  const signedOut = useCallback(() => setMe('nobody'), [])
  const notSignedIn = useCallback(() => {
    keepLink(location.pathname)
    setMe('nobody')
  }, [])
  const look = useCallback(() => {
    setProblem(undefined)
    get<Me>('/api/me').then((found) => {
      useSessionToken(found.csrf, signedOut)
      setServerTime(found.now)
      setMe(found)
      const link = takeLink()
      if (link !== undefined) goInstead(link)
    }, (error: unknown) => error instanceof Problem && error.status === 401 ? notSignedIn() : setProblem(textOf(error)))
  }, [signedOut, notSignedIn])
  useEffect(look, [look])
  const path = usePath()
  if (problem !== undefined) return <main className="lone"><h1>Lockkeeper</h1><ProblemNote text={problem} again={look} /></main>
  if (me === undefined) return <main className="lone"><h1>Lockkeeper</h1><Loading /></main>
  if (me === 'nobody') return <SignInPage onSignedIn={look} />
  return <MeContext value={me}><Frame path={path} onSignedOut={signedOut}><Page path={path} onSignedOut={signedOut} /></Frame></MeContext>
}

function Page({ path, onSignedOut }: { readonly path: string, readonly onSignedOut: () => void }) {
  const [, first = '', second] = path.split('/')
  const rest = second === undefined ? undefined : decodeURIComponent(second)
  switch (first) {
    case 'a': return <CardPage key={rest} id={rest ?? ''} />
    case 'open': return <OpenPage key={rest} token={rest ?? ''} />
    case 'history': return <HistoryPage />
    case 'grants': return <GrantsPage />
    case 'reviews': return <ReviewsPage />
    case 'runs': return rest === undefined ? <RunsPage /> : <RunPage run={rest} />
    case 'locks': return <LocksPage />
    case 'load': return <LoadPage />
    case 'keys': return <KeysPage />
    case 'sign-ins': return <SignInsPage onSignedOut={onSignedOut} />
    default: return <InboxPage onSignedOut={onSignedOut} />
  }
}
