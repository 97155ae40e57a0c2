/** Skip link, navigation, who is signed in. */
import type { ReactNode } from 'react'
import { post } from '../api.ts'
import { useMe } from '../me.ts'
import { Link } from './basics.tsx'

const PLACES: readonly (readonly [path: string, name: string])[] = [['/', 'Inbox'], ['/history', 'History'], ['/grants', 'Grants'], ['/reviews', 'Reviews'], ['/runs', 'Runs'], ['/locks', 'Locks'], ['/load', 'Load']]

export function Frame({ path, children, onSignedOut }: { readonly path: string, readonly children: ReactNode, readonly onSignedOut: () => void }) {
  const { person, mode, decideBy } = useMe()
  // Whatever the server says, this page no longer shows anything.
  const leave = (): void => void post('/api/sign-out').finally(onSignedOut)
  return (
    <>
      <a className="skip" href="#content">Skip to content</a>
      <header className="top">
        <div className="brand"><Link to="/"><img src="/icon.svg" alt="" width="22" height="22" /> Lockkeeper</Link>{mode === 'sandbox' ? <span className="mode">Sandbox</span> : null}</div>
        <nav aria-label="Main"><ul>{PLACES.map(([to, name]) => <li key={to}><Link to={to} current={to === '/' ? path === '/' : path.startsWith(to)}>{name}</Link></li>)}</ul></nav>
        <div className="who"><span className="name">{person.name}</span>{decideBy === 'passkey' ? <Link to="/keys" current={path === '/keys'}>Passkeys</Link> : null}<Link to="/sign-ins" current={path === '/sign-ins'}>Sign-ins</Link><button type="button" className="quiet small" onClick={leave}>Sign out</button></div>
      </header>
      <main id="content">{children}</main>
    </>
  )
}
