/** Which secret of Secret Manager a name of ours stands for, and whether an answer speaks of it. */

import { isSameResource } from '../resource-name.ts'

export interface SecretPin {
  /** `projects/PROJECT/secrets/SECRET`. */
  readonly secret: string
  /** Number of the version. `latest` must be said, and is warned about: what it means changes without any change of ours. */
  readonly version: number | 'latest'
}

/** As every SecretSource has them. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/
const SECRET = /^projects\/(?:[a-z][a-z0-9-]{4,28}[a-z0-9]|\d{1,20})\/secrets\/[A-Za-z0-9_-]{1,255}$/
const VERSION = /^(projects\/[a-z0-9-]{1,40}\/secrets\/[A-Za-z0-9_-]{1,255})\/versions\/([1-9]\d{0,14})$/
const MAX_SECRETS = 200

export function checkName(name: string): void {
  if (typeof name !== 'string' || !NAME.test(name)) throw new TypeError('a secret\'s name is 1 to 128 of [A-Za-z0-9_.-] and begins with a letter or digit')
}

/** TypeError that names every problem at once. */
export function checkPins(pins: Readonly<Record<string, SecretPin>>): void {
  const entries = Object.entries(pins)
  const problems = entries.flatMap(([name, { secret, version }]) => [
    ...(NAME.test(name) ? [] : [`${JSON.stringify(name)} cannot be a secret's name`]),
    ...(SECRET.test(secret) ? [] : [`${name}: ${JSON.stringify(secret)} is not of the form projects/PROJECT/secrets/SECRET`]),
    ...(version === 'latest' || (Number.isSafeInteger(version) && version >= 1) ? [] : [`${name}: the version is a number, or says "latest" in full`]),
  ])
  if (entries.length > MAX_SECRETS) problems.push(`there are more than ${MAX_SECRETS} secrets`)
  if (problems.length > 0) throw new TypeError(`secrets: ${problems.join('; ')}`)
}

export const resourceOf = ({ secret, version }: SecretPin): string => `${secret}/versions/${version}`

/** The number of the version that answered, or undefined where the answer is for something else than was asked for. */
export function versionOf(pin: SecretPin, answered: unknown): number | undefined {
  const [, secret, version] = typeof answered === 'string' ? VERSION.exec(answered) ?? [] : []
  if (secret === undefined || !isSameResource(pin.secret, secret)) return undefined
  return pin.version === 'latest' || pin.version === Number(version) ? Number(version) : undefined
}
