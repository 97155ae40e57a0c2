/** Before anybody is signed in: a passkey, an identity provider, or a one-time code that makes the first passkey. */
import { useEffect, useId, useState, type FormEvent } from 'react'
import type { SignInOptions } from '../../src/api-types.ts'
import { get, post, textOf } from '../api.ts'
import { makePasskey, supportsPasskeys, usePasskey } from '../passkey.ts'
import { Loading, ProblemNote, Title } from '../parts/basics.tsx'

export function SignInPage({ onSignedIn }: { readonly onSignedIn: () => void }) {
  const [options, setOptions] = useState<SignInOptions>()
  const [problem, setProblem] = useState<string>()
  const [busy, setBusy] = useState(false)
  useEffect(() => { get<SignInOptions>('/api/sign-in').then(setOptions, (error: unknown) => setProblem(textOf(error))) }, [])
  const attempt = (work: () => Promise<void>): void => {
    setBusy(true)
    setProblem(undefined)
    work().then(onSignedIn, (error: unknown) => setProblem(textOf(error))).finally(() => setBusy(false))
  }
  return (
    <main className="lone">
      <p className="brand"><img src="/icon.svg" alt="" width="22" height="22" /> Lockkeeper{options?.mode === 'sandbox' ? <span className="mode">Sandbox</span> : null}</p>
      <Title tab="Sign in">Sign in</Title>
      <p>Here people decide what AI agents may do in Google Cloud.</p>
      <ProblemNote text={problem} />
      {options === undefined ? <Loading /> : null}
      {options?.clients.map(({ issuer, label }) => <p key={issuer}><a className="button" href={`/sign-in/with/${encodeURIComponent(issuer)}`}>Sign in with {label}</a></p>)}
      {options?.passkeys === true ? supportsPasskeys() ? <><p><button type="button" disabled={busy} onClick={() => attempt(signIn)}>Sign in with a passkey</button></p><NewPasskey busy={busy} onCode={(code, label) => attempt(() => register(code, label))} /></> : <p className="note problem">This browser has no passkeys. Use a newer one, at the address that the gateway printed.</p> : null}
    </main>
  )
}

function NewPasskey({ busy, onCode }: { readonly busy: boolean, readonly onCode: (code: string, label: string) => void }) {
  const [code, setCode] = useState('')
  const [label, setLabel] = useState('This device')
  const id = useId()
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    onCode(code, label)
  }
  return (
    <section className="panel" aria-labelledby={`${id}-title`}>
      <h2 id={`${id}-title`}>First time here?</h2>
      <p>The gateway printed a one-time code in its own terminal when it started. With it you make a passkey on this device.</p>
      <form onSubmit={submit} className="stack">
        <label htmlFor={`${id}-code`}>One-time code</label>
        <input id={`${id}-code`} value={code} onChange={(event) => setCode(event.target.value)} autoComplete="one-time-code" autoCapitalize="characters" spellCheck={false} required maxLength={64} />
        <label htmlFor={`${id}-label`}>Name of the passkey</label>
        <input id={`${id}-label`} value={label} onChange={(event) => setLabel(event.target.value)} required maxLength={64} />
        <div className="buttons"><button type="submit" disabled={busy || code.trim() === ''}>Make a passkey</button></div>
      </form>
    </section>
  )
}

async function signIn(): Promise<void> {
  const { nonce, ...asked } = await post<{ readonly nonce: string, readonly challenge: string, readonly rpId: string }>('/api/sign-in/passkey/challenge')
  await post('/api/sign-in/passkey', { nonce, assertion: await usePasskey(asked) })
}

async function register(code: string, label: string): Promise<void> {
  const begun = await post<{ readonly person: string, readonly name: string, readonly rpId: string, readonly challenge: string, readonly exclude: readonly string[] }>('/api/passkeys/registrations', { code })
  await post('/api/passkeys/new', { code, label, credential: await makePasskey(begun) })
  await signIn()
}
