/** A mail's link, kept over the way to an identity provider and back: that way ends at the page's root. For this tab only. */

const NAME = 'lockkeeper.link'
const LINK = /^\/open\/[\w.-]{1,1024}$/

export function keepLink(path: string): void {
  if (LINK.test(path)) storage()?.setItem(NAME, path)
}

/** Once; it is forgotten then. */
export function takeLink(): string | undefined {
  const kept = storage()?.getItem(NAME) ?? undefined
  storage()?.removeItem(NAME)
  return kept !== undefined && LINK.test(kept) ? kept : undefined
}

/** Undefined in a browser that keeps nothing for pages: the mail is opened once more after signing in. */
function storage(): Storage | undefined {
  try {
    return sessionStorage
  } catch {
    return undefined
  }
}
