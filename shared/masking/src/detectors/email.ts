import type { Detector } from './detector.ts'

/** RFC 5321 allows 64 octets; twice that covers what forwarders make of it (SRS, VERP). */
const MAX_LOCAL = 128
/** Domain as mail uses it, with IDN: at least one dot, the last label begins with a letter. */
const DOMAIN = /(?:[\p{L}\p{N}\p{M}_-]{1,63}\.){1,12}\p{L}[\p{L}\p{N}\p{M}-]{1,62}/uy
const LITERAL = /\[(?:IPv6:)?[0-9a-f.:]{2,45}\]/iy
/** Identities of machines, which IAM policies are full of; they name no person. */
const SERVICE_ACCOUNT = /^[a-z0-9.-]{1,63}@(?:[a-z0-9-]{1,63}\.){1,2}gserviceaccount\.com$/i

/**
 * RFC 5322 atext and the dot, less `/ ? & # { } | \``: they separate in URLs, resource names, templates and tables. `=` is in
 * (VERP), so `?email=a@b.example` is masked with its parameter's name. Beyond ASCII: letters, digits, marks and symbols.
 */
const LOCAL_ASCII = new Set([...'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.!$%\'*+-=^_~'].map(c => c.charCodeAt(0)))
const LOCAL_OTHER = /[\p{L}\p{N}\p{M}\p{S}\uD800-\uDFFF]/u

/** E-mail addresses, quoted local parts and address literals included; addresses of Google service accounts pass. */
export const email: Detector = {
  name: 'email',
  hint: /@/,
  find(text, add) {
    for (let at = text.indexOf('@'); at !== -1; at = text.indexOf('@', at + 1)) {
      const end = domainEnd(text, at + 1)
      if (end === undefined) continue
      const start = localStart(text, at)
      if (start < at && !(end - start < 260 && SERVICE_ACCOUNT.test(text.slice(start, end)))) add(start, end)
    }
  },
}

function domainEnd(text: string, from: number): number | undefined {
  const pattern = text[from] === '[' ? LITERAL : DOMAIN
  pattern.lastIndex = from
  return pattern.test(text) ? pattern.lastIndex : undefined
}

function localStart(text: string, at: number): number {
  if (text[at - 1] === '"') return quotedStart(text, at)
  let start = at
  while (start > 0 && at - start < MAX_LOCAL && isLocal(text.charCodeAt(start - 1))) start--
  // The bound never cuts a surrogate pair in two.
  return start > 0 && /^[\uDC00-\uDFFF]/.test(text.slice(start, at)) ? start - 1 : start
}

/** `"john doe"@example.com`: back to the opening quote on the same line. */
function quotedStart(text: string, at: number): number {
  for (let start = at - 2; start >= 0 && at - start <= MAX_LOCAL; start--) {
    const character = text[start]
    if (character === '\n' || character === '\r') return at
    if (character === '"' && text[start - 1] !== '\\') return start
  }
  return at
}

function isLocal(code: number): boolean {
  return code < 0x80 ? LOCAL_ASCII.has(code) : LOCAL_OTHER.test(String.fromCharCode(code))
}
