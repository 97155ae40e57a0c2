/** Text without credentials, for everything that is written down or told. In time linear in the text: agents choose much of it. */

const STRUCK = '[struck out]'

/** Google OAuth tokens and API keys, PEM private keys with what follows of them (line breaks may be spelled out), Bearer values. */
const SECRET_TEXT = /ya29\.[\w.-]{8,2048}|AIza[\w-]{20,64}|-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----(?:[\w+/=\s]|\\[nr]){0,65536}|\bBearer\s+[\w.~+/-]{8,8192}=*/g
/** Whatever a JWT could stand in. One class alone, so that no stretch is gone through twice. */
const RUN = /[\w.-]+/g
const JWT_BEGINS = 'eyJ'
/** Characters of a JWT's header and of its payload, at least. */
const LEAST_HEADER = 11
const LEAST_PAYLOAD = 2

/** The text without anything that looks like a credential. */
export function strike(text: string): string {
  const unsigned = text.includes(JWT_BEGINS) ? text.replace(RUN, (run) => run.includes(JWT_BEGINS) ? withoutJwts(run) : run) : text
  return unsigned.replace(SECRET_TEXT, STRUCK)
}

/** Header, payload and, where there is one, signature. */
function withoutJwts(run: string): string {
  const parts = run.split('.')
  const kept: string[] = []
  for (let at = 0; at < parts.length; at++) {
    const part = parts[at] as string
    const start = part.indexOf(JWT_BEGINS)
    const isHeader = start >= 0 && part.length - start >= LEAST_HEADER && (parts[at + 1]?.length ?? 0) >= LEAST_PAYLOAD
    kept.push(isHeader ? part.slice(0, start) + STRUCK : part)
    if (isHeader) at += 2
  }
  return kept.join('.')
}
