/**
 * The link in a mail: an address that nobody can change on its way, not a right. It names one request, the digest of its call, and the
 * person whom the mail was for; whoever opens it signs in as that person and decides with a proof of their own. The notifier signs, the
 * console checks; the key opens nothing and decides nothing.
 */
import { createHmac } from 'node:crypto'
import { z } from 'zod'
import { equalInConstantTime } from './digest.ts'
import { isRefusal } from './errors.ts'
import { parseStrict, toPlain } from './json.ts'

const claims = z.strictObject({
  approval: z.string().regex(/^apr_[A-Za-z0-9]{3,60}$/),
  digest: z.string().min(1).max(128),
  /** Id of the person whom the mail was for. */
  person: z.string().min(1).max(128),
  /** Epoch ms: the end of the request. */
  until: z.int().nonnegative(),
  /** Names the mail: each has a link of its own. */
  mail: z.string().min(16).max(64),
})
export type MailLink = z.infer<typeof claims>

/** Characters of a link's token at most; ours have about 350. */
export const MOST_MAIL_LINK = 1024
const LEAST_KEY = 32
const TOKEN = /^([\w-]{1,900})\.([\w-]{43})$/

/** `key`: 32 random bytes or more that notifier and console share and use for nothing else; TypeError where it is shorter. */
export function signMailLink(link: MailLink, key: Uint8Array): string {
  const payload = Buffer.from(JSON.stringify(claims.parse(link))).toString('base64url')
  return `${payload}.${signature(payload, key)}`
}

/** What the link says; undefined where it was not signed with this key, or was changed since. Whether it is over is asked elsewhere. */
export function readMailLink(token: string, key: Uint8Array): MailLink | undefined {
  const [, payload = '', given = ''] = token.length <= MOST_MAIL_LINK ? TOKEN.exec(token) ?? [] : []
  if (!equalInConstantTime(signature(payload, key), given)) return undefined
  const json = parseStrict(Buffer.from(payload, 'base64url').toString('utf8'))
  const read = isRefusal(json) ? undefined : claims.safeParse(toPlain(json))
  return read?.success === true ? read.data : undefined
}

function signature(payload: string, key: Uint8Array): string {
  if (key.length < LEAST_KEY) throw new TypeError(`the key of mail links has ${key.length} bytes; ${LEAST_KEY} are the least`)
  return createHmac('sha256', key).update(`lockkeeper mail link v1\n${payload}`).digest('base64url')
}
