/** What an admin put into the secret store for a target: a service account's key, or a token for an Authorization header. */

export type SecretValue =
  | { readonly kind: 'key', readonly key: { readonly client_email: string, readonly private_key: string, readonly private_key_id?: string } }
  | { readonly kind: 'token', readonly scheme: string, readonly token: string }

/** A scheme (RFC 9110 token) and one credential, or the credential alone. */
const TOKEN = /^(?:([A-Za-z][A-Za-z0-9-]{0,31}) )?([\x21-\x7e]+)$/

/** Throws an Error that quotes nothing of the value. A line break at the end is forgiven, anywhere else it is not. */
export function readSecret(value: string): SecretValue {
  const trimmed = value.trim()
  if (trimmed.startsWith('{')) return { kind: 'key', key: readKey(trimmed) }
  const found = TOKEN.exec(trimmed)
  if (found === null) throw new Error('the secret is neither a service account\'s key nor a token')
  return { kind: 'token', scheme: found[1] ?? 'Bearer', token: found[2] ?? '' }
}

function readKey(text: string): { readonly client_email: string, readonly private_key: string, readonly private_key_id?: string } {
  let key: Readonly<Record<string, unknown>>
  try {
    key = JSON.parse(text) as Record<string, unknown>
  } catch {
    // The parser's message would quote the key.
    throw new Error('the secret is no valid JSON')
  }
  const { type, client_email: email, private_key: privateKey, private_key_id: id } = key
  // Other kinds of credential files name addresses that a token would be fetched from or sent to.
  if (type !== 'service_account') throw new Error('the secret is a credential file of another kind than service_account')
  if (typeof email !== 'string' || typeof privateKey !== 'string') throw new Error('the key lacks client_email or private_key')
  return { client_email: email, private_key: privateKey, ...(typeof id === 'string' ? { private_key_id: id } : {}) }
}
