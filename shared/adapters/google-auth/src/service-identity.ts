/** Who this process is to the other services: an ID token of its own account. */
import type { Call } from '@lockkeeper/domain'
import { LockkeeperError } from '@lockkeeper/domain/errors'
import { idTokenSource, type SourceDeps } from './credential-sources.ts'

/**
 * Gives `Bearer` and a Google-signed ID token for that audience, cached and renewed ahead. Rejects with LockkeeperError
 * CREDENTIAL_UNAVAILABLE where the account cannot have one now.
 */
export function serviceIdentity(audience: string, deps: SourceDeps): () => Promise<string> {
  const source = idTokenSource({ audience }, deps)
  // With an audience of its own the source asks nothing of the call.
  const call = { host: new URL(audience).host } as Call
  return async () => {
    const value = await source.authorization(call)
    if (value === undefined) throw new LockkeeperError('CREDENTIAL_UNAVAILABLE', 'This process has no identity of its own.')
    return value
  }
}
