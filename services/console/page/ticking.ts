/** The time at the server, moving on here. */
import { useEffect, useState } from 'react'

let offset = 0

/** `now` as the server just said it. */
export function setServerTime(now: number): void {
  offset = now - Date.now()
}

function serverNow(): number {
  return Date.now() + offset
}

/** Renders again each second. */
export function useNow(): number {
  const [now, setNow] = useState(serverNow)
  useEffect(() => {
    const timer = setInterval(() => setNow(serverNow()), 1_000)
    return () => clearInterval(timer)
  }, [])
  return now
}
