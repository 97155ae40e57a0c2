/** Settings of the console: how persons sign in, and what proves their decisions. */
import type { Mode } from '@lockkeeper/domain'
import { z } from 'zod'

/** A client of an issuer that `approverIssuers` names: code flow with PKCE. */
export const oidcClientSchema = z.strictObject({
  /** Name of the approver issuer; its `audience` must be the client's id. */
  issuer: z.string().min(1).max(63),
  /** Client id. */
  clientId: z.string().min(1).max(512),
  /** Name of the secret that holds the client's secret. Default: a public client. */
  clientSecret: z.string().min(1).max(128).optional(),
  /** On the button: `Sign in with LABEL`. Default: the issuer's name. */
  label: z.string().min(1).max(64).optional(),
})

/** `console` of lockkeeper.yaml. */
export const consoleSchema = z.strictObject({
  /** Port on this machine's loopback; the page is at `http://localhost:PORT`. 0: any free one. */
  port: z.number().int().min(0).max(65_535).default(8445),
  /** Group whose members may set and lift locks and revoke grants; every known person may look. */
  operators: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'is no group name').default('approvers'),
  /** Identity providers that persons may sign in with beside passkeys. */
  signIn: z.array(oidcClientSchema).max(10).default([]),
})

export type OidcClientSetting = z.output<typeof oidcClientSchema>

export interface ConsoleSettings {
  readonly mode: Mode
  /** Group whose members may lock, lift and revoke. */
  readonly operators: string
  /** What proves a decision: a passkey (embedded edition), or an ID token of a fresh sign-in. */
  readonly decideBy: 'passkey' | 'idToken'
}
