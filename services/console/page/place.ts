/** Where in the page we are: the address bar, without a library. */
import { useSyncExternalStore } from 'react'

const listeners = new Set<() => void>()
const changed = (): void => listeners.forEach((each) => each())
addEventListener('popstate', changed)

export function usePath(): string {
  return useSyncExternalStore((listener) => {
    listeners.add(listener)
    return () => listeners.delete(listener)
  }, () => location.pathname)
}

/** As `go`, but the way back leads past where we are. */
export function goInstead(path: string): void {
  history.replaceState(null, '', path)
  changed()
}

export function go(path: string): void {
  if (path === location.pathname + location.search) return
  history.pushState(null, '', path)
  scrollTo(0, 0)
  changed()
}
