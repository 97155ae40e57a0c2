/** My passkeys: which there are, a code for one more, and the end of one that is lost. */
import { useState } from 'react'
import type { Passkey } from '../../src/api-types.ts'
import { post, textOf } from '../api.ts'
import { Empty, Instant, Loading, ProblemNote, Title } from '../parts/basics.tsx'
import { usePasskey } from '../passkey.ts'
import { useData } from '../use-data.ts'

export function KeysPage() {
  const { data, problem, again } = useData<{ readonly passkeys: readonly Passkey[] }>('/api/passkeys')
  const [code, setCode] = useState<string>()
  const [trouble, setTrouble] = useState<string>()
  const attempt = (work: Promise<void>): void => {
    setTrouble(undefined)
    work.catch((error: unknown) => setTrouble(textOf(error)))
  }
  return (
    <>
      <Title tab="Passkeys">Passkeys</Title>
      <p>You sign in and decide with these. Remove one when its device is lost.</p>
      <ProblemNote text={problem ?? trouble} again={again} />
      {data === undefined && problem === undefined ? <Loading /> : null}
      {data?.passkeys.length === 0 ? <Empty>You have none.</Empty> : null}
      <ul className="cards">{data?.passkeys.map(({ id, label, at, usedAt }) => (
        <li key={id} className="block"><h2>{label}</h2><p className="row faint"><span>made <Instant at={at} /></span>{usedAt === undefined ? <span>never used</span> : <span>used <Instant at={usedAt} /></span>}</p>
          <button type="button" className="quiet" onClick={() => attempt(post(`/api/passkeys/${encodeURIComponent(id)}/remove`).then(again))}>Remove “{label}”</button></li>
      ))}</ul>
      <section className="panel" aria-labelledby="another"><h2 id="another">Another device</h2>
        <p>Open this console there and type a one-time code. Your passkey is asked for before you get one.</p>
        <p role="status">{code === undefined ? null : <>Code, good for one hour: <strong><code>{code}</code></strong></>}</p>
        <button type="button" onClick={() => attempt(askCode().then(setCode))}>Get a one-time code</button>
      </section>
    </>
  )
}

async function askCode(): Promise<string> {
  const { at, ...asked } = await post<{ readonly challenge: string, readonly rpId: string, readonly at: number }>('/api/passkeys/codes/challenge')
  return (await post<{ readonly code: string }>('/api/passkeys/codes', { at, assertion: await usePasskey(asked) })).code
}
