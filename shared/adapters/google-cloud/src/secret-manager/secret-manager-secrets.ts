/** SecretSource on Secret Manager: pinned versions, read again every 30 seconds. */
import { systemClock, type Clock } from '@lockkeeper/domain'
import type { SecretSource } from '@lockkeeper/domain/ports'
import { secretManagerClient, type SecretManagerClient } from './secret-manager-client.ts'
import { checkName, checkPins, type SecretPin } from './secret-names.ts'
import { missing, WatchedSecret, type SecretTimes } from './watched-secret.ts'

export interface SecretManagerSettings extends Partial<SecretTimes> {
  /** The names that targets and services use, and what each stands for. At most 200. */
  readonly secrets: Readonly<Record<string, SecretPin>>
}

export interface SecretManagerDeps {
  /** Default: Google's endpoint with the process's own credentials. */
  readonly client?: SecretManagerClient
  readonly clock?: Clock
  readonly log?: { info(facts: object, text: string): void, warn(facts: object, text: string): void }
}

export interface SecretManagerSecrets extends SecretSource {
  /** New settings: names that are gone are absent at once, names that stand for something else are fetched anew. TypeError as at the start. */
  replace(secrets: Readonly<Record<string, SecretPin>>): void
  close(): Promise<void>
}

/** Fetches nothing yet. TypeError for settings that cannot work. */
export function secretManagerSecrets(settings: SecretManagerSettings, { client = secretManagerClient(), clock = systemClock, log }: SecretManagerDeps = {}): SecretManagerSecrets {
  const { secrets, checkEveryMs = 30_000, keepMs = 300_000, timeoutMs = 4000, waitMs = 1000 } = settings
  const times = { checkEveryMs, keepMs, timeoutMs, waitMs }
  checkTimes(times)
  let watched: ReadonlyMap<string, WatchedSecret> = new Map()
  const watch = (name: string, pin: SecretPin): WatchedSecret => {
    const before = watched.get(name)
    if (before !== undefined && before.pin.secret === pin.secret && before.pin.version === pin.version) return before
    if (pin.version === 'latest') log?.warn({ secret: name }, 'a secret is taken in its latest version: what it is changes without any change here')
    return new WatchedSecret(name, pin, { client, clock, times, onVersion: (version) => log?.info({ secret: name, version }, 'a secret has another version') })
  }
  const replace = (pins: Readonly<Record<string, SecretPin>>): void => {
    checkPins(pins)
    watched = new Map(Object.entries(pins).map(([name, pin]) => [name, watch(name, pin)]))
  }
  replace(secrets)
  return {
    async access(name) {
      checkName(name)
      const secret = watched.get(name)
      if (secret === undefined) throw missing(name, 'the settings name no secret for it')
      return secret.access()
    },
    replace,
    close: () => client.close(),
  }
}

function checkTimes({ checkEveryMs, keepMs, timeoutMs, waitMs }: SecretTimes): void {
  const isSound = (ms: number, least: number, most: number): boolean => Number.isFinite(ms) && ms >= least && ms <= most
  if (!isSound(checkEveryMs, 1000, 300_000)) throw new TypeError('checkEveryMs must be 1,000 to 300,000')
  if (!isSound(keepMs, checkEveryMs, 3_600_000)) throw new TypeError('keepMs must be checkEveryMs to 3,600,000')
  if (!isSound(timeoutMs, 10, 60_000)) throw new TypeError('timeoutMs must be 10 to 60,000')
  if (!isSound(waitMs, 1, 60_000)) throw new TypeError('waitMs must be 1 to 60,000')
}
