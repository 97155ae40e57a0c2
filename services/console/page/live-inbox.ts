/** The inbox as it changes: server-sent events, with the browser's own way of coming back after a cut. */
import { useEffect, useState } from 'react'
import type { Inbox } from '../src/api-types.ts'

export type Line = 'connecting' | 'live' | 'cut' | 'trouble'

export interface LiveInbox { readonly inbox?: Inbox, readonly line: Line }

/** What a newly opened page shows while it connects. */
let last: Inbox | undefined
/** Ms until a page that was refused tries again by itself. */
const AGAIN_MS = 5_000

export function useLiveInbox(signedOut: () => void): LiveInbox {
  const [live, setLive] = useState<LiveInbox>({ line: 'connecting', ...last === undefined ? {} : { inbox: last } })
  const [round, setRound] = useState(0)
  useEffect(() => {
    const source = new EventSource('/api/inbox/stream')
    let timer: ReturnType<typeof setTimeout> | undefined
    source.addEventListener('open', () => setLive((before) => ({ ...before, line: before.inbox === undefined ? 'connecting' : 'live' })))
    source.addEventListener('inbox', (event) => {
      last = JSON.parse(event.data as string) as Inbox
      setLive({ inbox: last, line: 'live' })
    })
    source.addEventListener('trouble', () => setLive((before) => ({ ...before, line: 'trouble' })))
    source.addEventListener('signed-out', signedOut)
    source.addEventListener('error', () => {
      setLive((before) => ({ ...before, line: 'cut' }))
      // Closed for good: refused, or the session is over. The question of who we are says which.
      if (source.readyState === EventSource.CLOSED) timer = setTimeout(() => setRound((count) => count + 1), AGAIN_MS)
    })
    return () => {
      clearTimeout(timer)
      source.close()
    }
  }, [signedOut, round])
  return live
}
