/** Data of one address: what is there, what went wrong, and a way to look again. The newest question wins. */
import { useCallback, useEffect, useState } from 'react'
import { get, textOf } from './api.ts'

export interface Loaded<T> { readonly data?: T, readonly problem?: string, readonly again: () => void }

export function useData<T>(path: string | undefined): Loaded<T> {
  const [state, setState] = useState<{ readonly path?: string, readonly data?: T, readonly problem?: string }>({})
  const [round, setRound] = useState(0)
  const again = useCallback(() => setRound((count) => count + 1), [])
  useEffect(() => {
    if (path === undefined) return undefined
    let current = true
    get<T>(path).then((data) => { if (current) setState({ path, data }) }, (error: unknown) => { if (current) setState({ path, problem: textOf(error) }) })
    return () => { current = false }
  }, [path, round])
  // What belongs to another address is not shown under this one.
  return state.path === path ? { ...state, again } : { again }
}
