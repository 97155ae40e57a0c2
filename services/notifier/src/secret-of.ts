/** A secret for one attempt: its absence is a reason to try again later, never an exception with details. */
import { LockkeeperError } from '@lockkeeper/domain/errors'
import { PortUnavailable, type SecretSource } from '@lockkeeper/domain/ports'

export async function secretOf(secrets: SecretSource, name: string): Promise<{ readonly value: string } | { readonly why: string }> {
  try {
    return { value: (await secrets.access(name)).value.trim() }
  } catch (cause) {
    if (cause instanceof LockkeeperError || cause instanceof PortUnavailable) return { why: `the secret ${name} cannot be had now` }
    throw cause
  }
}
