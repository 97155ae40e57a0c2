/** From a target's settings to its credential source; wrong settings stop the start. */
import type { CredentialSource, SecretSource } from '@lockkeeper/domain/ports'
import { adcSource, idTokenSource, impersonateSource, noneSource, secretSource, type AdcSettings, type IdTokenSettings, type ImpersonateSettings, type SecretSettings, type SourceDeps } from './credential-sources.ts'
import { isServiceAccount } from './iam-credentials.ts'

export type CredentialSettings =
  | { readonly kind: 'adc' } & AdcSettings
  | { readonly kind: 'impersonate' } & ImpersonateSettings
  | { readonly kind: 'idToken' } & IdTokenSettings
  | { readonly kind: 'secret' } & SecretSettings
  | { readonly kind: 'none' }

export interface CredentialDeps extends SourceDeps {
  /** Needed for kind `secret`. */
  readonly secrets?: SecretSource
  /** Where a dangerous variable is looked for. Default: the environment of the process, which google-auth-library reads too. */
  readonly environment?: Readonly<Record<string, string | undefined>>
}

/** Makes google-auth-library write requests and answers, tokens included, to the error output. */
const LEAKY_VARIABLE = 'GOOGLE_SDK_NODE_LOGGING'

/** Fetches nothing yet. TypeError for settings that cannot work, all problems in one text. */
export function createCredentialSource(settings: CredentialSettings, deps: CredentialDeps): CredentialSource {
  const problems = findProblems(settings, deps)
  if (problems.length > 0) throw new TypeError(`credential ${settings.kind}: ${problems.join('; ')}`)
  switch (settings.kind) {
    case 'adc': return adcSource(settings, deps)
    case 'impersonate': return impersonateSource(settings, deps)
    case 'idToken': return idTokenSource(settings, deps)
    case 'secret': return secretSource(settings, requireSecrets(deps), deps)
    case 'none': return noneSource
  }
}

function requireSecrets({ secrets }: CredentialDeps): SecretSource {
  if (secrets === undefined) throw new TypeError('credential secret: there is no secret store')
  return secrets
}

function findProblems(settings: CredentialSettings, deps: CredentialDeps): readonly string[] {
  if (settings.kind === 'none') return []
  const problems: string[] = []
  if ((deps.environment ?? process.env)[LEAKY_VARIABLE]) problems.push(`unset ${LEAKY_VARIABLE}: it would write credentials to the log`)
  const endpoint = deps.endpoints?.iamCredentials
  if (endpoint !== undefined && !isSafeOrigin(endpoint)) problems.push('the IAM endpoint must be an https origin, or http on loopback')
  if (settings.kind === 'secret') {
    if (deps.secrets === undefined) problems.push('there is no secret store')
    if (settings.name === '') problems.push('the name is empty')
  }
  if (settings.kind === 'impersonate' || settings.kind === 'idToken') problems.push(...principalProblems(settings))
  if (settings.kind === 'impersonate') problems.push(...lifetimeProblems(settings.lifetimeSeconds))
  if ('downscope' in settings && ![undefined, true, false, 'object'].includes(settings.downscope)) problems.push('downscope must be true, false or "object"')
  if ('scopes' in settings && settings.scopes?.length === 0) problems.push('scopes must not be empty')
  return problems
}

function principalProblems({ targetPrincipal, delegates = [] }: { readonly targetPrincipal?: string | undefined, readonly delegates?: readonly string[] | undefined }): readonly string[] {
  return [targetPrincipal, ...delegates].filter((email) => email !== undefined && !isServiceAccount(email)).map((email) => `${JSON.stringify(email)} is no service account's e-mail`)
}

function lifetimeProblems(seconds: number | undefined): readonly string[] {
  return seconds === undefined || (Number.isInteger(seconds) && seconds >= 60 && seconds <= 3600) ? [] : ['the lifetime must be 60 to 3,600 whole seconds']
}

/** Invariant 14: a credential never goes to a plain http address, except on this machine. */
function isSafeOrigin(text: string): boolean {
  if (!URL.canParse(text)) return false
  const url = new URL(text)
  if (url.origin !== text) return false
  return url.protocol === 'https:' || (url.protocol === 'http:' && ['127.0.0.1', '[::1]', 'localhost'].includes(url.hostname))
}
