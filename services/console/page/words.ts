/** Times, numbers and names as people read them. */

const UNITS: readonly (readonly [number, string])[] = [[86_400_000, 'd'], [3_600_000, 'h'], [60_000, 'min'], [1_000, 's']]

/** `2 h 5 min`: the two largest units. */
export function span(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`
  const parts: string[] = []
  let rest = ms
  for (const [unit, name] of UNITS) {
    const count = Math.floor(rest / unit)
    rest -= count * unit
    if (count > 0) parts.push(`${count} ${name}`)
    if (parts.length === 2) break
  }
  return parts.join(' ')
}

/** In the reader's own time zone, with its name. */
export function instant(at: number): string {
  return new Date(at).toLocaleString(undefined, { year: 'numeric', month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', second: '2-digit', timeZoneName: 'short' })
}

export function clock(at: number): string {
  return new Date(at).toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' })
}

export function percent(share: number): string {
  return `${Math.round(share * 100)} %`
}

const STATES: Readonly<Record<string, string>> = {
  pending: 'Waiting', approved: 'Approved, not run yet', denied: 'Denied', expired: 'Ran out of time', cancelled: 'Withdrawn', claimed: 'Running now', answered: 'Ran', unknown: 'Not known whether it ran',
}
export function stateWord(state: string): string {
  return STATES[state] ?? state
}

/** A resource without its service's host, for lists; the card has it whole. */
export function shortName(resource: string): string {
  return resource.replace(/^\/\/[a-z0-9.-]+\.googleapis\.com\//, '')
}

export function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`
}
