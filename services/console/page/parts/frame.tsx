/** Skip link, navigation, who is signed in. */
import type { ReactNode } from 'react'
import { post } from '../api.ts'
import { useMe } from '../me.ts'
import { Link } from './basics.tsx'

const PLACES: readonly (readonly [path: string, name: string])[] = [['/', 'Inbox'], ['/history', 'History'], ['/grants', 'Grants'], ['/reviews', 'Reviews'], ['/runs', 'Runs'], ['/locks', 'Locks'], ['/load', 'Load']]

export function Frame({ path, children, onSignedOut }: { readonly path: string, readonly children: ReactNode, readonly onSignedOut: () => void }) {
  const { person, mode, decideBy } = useMe()
  const own: typeof PLACES = [...decideBy === 'passkey' ? [['/keys', 'Passkeys'] as const] : [], ['/sign-ins', 'Sign-ins']]
  // Whatever the server says, this page no longer shows anything.
  const leave = (): void => void post('/api/sign-out').finally(onSignedOut)
  return (
    <>
      <a className="skip" href="#content">Skip to content</a>
      <header className="top">
        <div className="brand"><Link to="/"><img src="/icon.svg" alt="" width="22" height="22" /> Lockkeeper</Link>{mode === 'sandbox' ? <span className="mode">Sandbox</span> : null}</div>
        <nav aria-label="Main"><ul>{[...PLACES, ...own].map(([to, name]) => <li key={to} className={to === own[0]?.[0] ? 'own' : undefined}><Link to={to} current={to === '/' ? path === '/' : path.startsWith(to)}>{name}</Link></li>)}</ul></nav>
        <div className="who"><span className="name">{person.name}</span><button type="button" className="quiet small" onClick={leave}>Sign out</button></div>
      </header>
      <main id="content">{children}</main>
    </>
  )
}
