/** For tests: the real storage library pointed straight at the upstream, with the upstream's credential. */
import { Storage } from '@google-cloud/storage'
import { OAuth2Client } from 'google-auth-library'
import type { SandboxUpstream } from '../upstream/upstream.ts'

export function storageAt(upstream: SandboxUpstream): Storage {
  const authClient = new OAuth2Client()
  authClient.setCredentials({ access_token: upstream.credential })
  const storage = new Storage({
    projectId: 'sandbox-project', apiEndpoint: upstream.origin, useAuthWithCustomEndpoint: true, authClient, retryOptions: { autoRetry: false },
  })
  // With an endpoint of its own the library starts resumable sessions without a token, so the header is put in for it.
  const interceptor = { request: (options: { readonly headers?: object }) => ({ ...options, headers: { ...options.headers, authorization: `Bearer ${upstream.credential}` } }) }
  storage.interceptors.push(interceptor as unknown as (typeof storage.interceptors)[number])
  return storage
}
