/** From a target's `credential` to the source that serves it. */
import { createCredentialSource, type CredentialSettings } from '@lockkeeper/adapter-google-auth'
import type { Clock } from '@lockkeeper/domain'
import type { CredentialSource, SecretSource } from '@lockkeeper/domain/ports'
import type { CredentialConfig } from '@lockkeeper/policy-engine'
import type { Log } from '@lockkeeper/service-kit'

export function credentialSource(target: string, config: CredentialConfig, { clock, secrets, log }: { readonly clock: Clock, readonly secrets: SecretSource | undefined, readonly log: Log }): CredentialSource {
  return createCredentialSource(settingsOf(config), {
    clock, ...(secrets === undefined ? {} : { secrets }),
    onWhole: (call, why) => log.debug({ target, method: call.method.id, why }, 'the credential was not narrowed for a call'),
    onFailure: (error) => log.error({ target, error: error.refusal.detail ?? error.message }, 'an upstream credential could not be renewed'),
  })
}

function settingsOf(config: CredentialConfig): CredentialSettings {
  if ('adc' in config) return { kind: 'adc', downscope: config.downscope }
  if ('impersonate' in config) {
    return { kind: 'impersonate', targetPrincipal: config.impersonate, lifetimeSeconds: Math.round(config.lifetime / 1000), scopes: config.scopes, delegates: config.delegates, downscope: config.downscope }
  }
  if ('idToken' in config) return { kind: 'idToken', audience: config.audience }
  if ('secret' in config) return { kind: 'secret', name: config.secret }
  return { kind: 'none' }
}
