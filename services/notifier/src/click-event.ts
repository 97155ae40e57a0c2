/** Ids of the events that clicks become, so that what is said about one finds its click again. */

export function clickEventId(click: string): string {
  return `click-${click}`
}

/** The click's id; undefined for events of others. */
export function clickOf(event: string | undefined): string | undefined {
  return event !== undefined && /^click-[\w-]{43}$/.test(event) ? event.slice(6) : undefined
}
