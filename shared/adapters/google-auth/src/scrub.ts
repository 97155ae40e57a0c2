/** Makes an error of the authentication library fit for logs: it may quote requests, answers and keys. */

const MAX_LENGTH = 400
/** A PEM block or the rest of one, access and refresh tokens of Google, JWTs, and any long unbroken run of base64. */
const SECRET = /-----BEGIN[\s\S]*|ya29\.[^\s"']+|1\/\/[\w-]+|eyJ[\w-]+(?:\.[\w-]*)*|(?:bearer|basic)\s+[^\s"',;]+|[\w+=-]{32,}/gi

/**
 * A new Error with a short text without secrets; the original is not kept as `cause`, because its fields (request
 * headers, answer bodies) hold what its text may not. `secrets` are values known to be secret, whatever they look like.
 */
export function scrubError(error: unknown, secrets: readonly string[] = []): Error {
  const { message, name, code, status } = (error ?? {}) as { message?: unknown, name?: unknown, code?: unknown, status?: unknown }
  const facts = [name, code, status].filter((fact) => typeof fact === 'number' || (typeof fact === 'string' && fact !== 'Error'))
  const cause = (error as { cause?: unknown } | undefined)?.cause
  const texts = [facts.join(' '), String(message ?? 'unknown failure'), cause instanceof Error ? cause.message : ''].filter((text) => text !== '')
  return new Error(scrubText(texts.join(': '), secrets))
}

export function scrubText(text: string, secrets: readonly string[] = []): string {
  let scrubbed = text
  for (const secret of secrets) if (secret.length >= 4) scrubbed = scrubbed.replaceAll(secret, '[redacted]')
  // Cut first to a bounded length, so that a huge answer costs nothing; a token cut in half still matches.
  return scrubbed.slice(0, 8 * MAX_LENGTH).replace(SECRET, '[redacted]').replaceAll(/[\p{Cc}\s]+/gu, ' ').slice(0, MAX_LENGTH)
}
