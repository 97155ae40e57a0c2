/**
 * The agent's token belongs in its Authorization header and nowhere else: anywhere else it would go upstream, and stand in
 * records and on approvers' screens (invariant 3).
 */
import type { IncomingMessage } from 'node:http'
import { refuse, type Refusal } from '@lockkeeper/domain/errors'

/** Refuses a request whose address or other headers hold the token. Before anything of it is understood or recorded. */
export function tokenInHead({ url = '', headers, rawHeaders }: IncomingMessage): Refusal | undefined {
  const token = tokenOf(headers.authorization)
  if (token === undefined) return undefined
  if (holds(url, token)) return misplaced('its address')
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string
    if (name.length === 13 && name.toLowerCase() === 'authorization') continue
    if (holds(rawHeaders[index + 1] as string, token)) return misplaced(`the header ${name.slice(0, 64).toLowerCase()}`)
  }
  return undefined
}

/** The same for a body as it would be sent. */
export function tokenInBody({ headers }: IncomingMessage, body: Uint8Array | string): Refusal | undefined {
  const token = tokenOf(headers.authorization)
  if (token === undefined || body.length < token.length) return undefined
  const found = typeof body === 'string' ? body.includes(token) : Buffer.from(body.buffer, body.byteOffset, body.length).includes(token, 'latin1')
  return found ? misplaced('its body') : undefined
}

function tokenOf(authorization: string | undefined): string | undefined {
  const [, token] = /^\S+ +(\S+)/.exec(authorization ?? '') ?? []
  return token
}

function holds(text: string, token: string): boolean {
  if (text.length < token.length) return false
  return text.includes(token) || (text.includes('%') && decoded(text).includes(token))
}

/** Only for looking: what does not decode is refused by the matcher. */
function decoded(text: string): string {
  return text.replace(/%([\da-f]{2})/gi, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}

function misplaced(where: string): Refusal {
  return refuse('REQUEST_AMBIGUOUS', `The agent's token stands in ${where}; it belongs in the Authorization header alone. Nothing was sent.`)
}
