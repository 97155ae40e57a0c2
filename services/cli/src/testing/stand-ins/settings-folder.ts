/** Tests only: the folder that every service's container reads: settings, keys, secrets, people and policies. */
import { randomBytes } from 'node:crypto'
import { chmod, cp, mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openKeyFile } from '@lockkeeper/adapter-sqlite'
import { sandboxFiles } from '@lockkeeper/sandbox'
import { PEOPLE } from '../approvers.ts'
import { PLACES } from './places.ts'

export interface SettingsFolder {
  /** By file name. */
  readonly settings: Readonly<Record<string, object>>
  /** What the upstream takes as `Authorization: Bearer`. */
  readonly upstreamCredential: string
}

const key = (): string => randomBytes(32).toString('base64')

/** Everything is its owner's alone; the services run as the same user and find it read-only. */
export async function writeSettingsFolder({ settings, upstreamCredential }: SettingsFolder): Promise<void> {
  const at = (...parts: readonly string[]): string => join(PLACES.settings, ...parts)
  await mkdir(at('secrets'), { recursive: true, mode: 0o700 })
  await chmod(at('secrets'), 0o700)
  await openKeyFile(at('keys', 'signing.pem'))
  const secrets = { 'session-key': key(), 'receipt-key': key(), 'sandbox-upstream': upstreamCredential, receiver: `whsec_${key()}` }
  await Promise.all([
    ...Object.entries(secrets).map(([name, value]) => writePrivate(at('secrets', name), value)),
    ...Object.entries(settings).map(([name, value]) => writePrivate(at(name), JSON.stringify(value, undefined, 2))),
    writePrivate(at('people.yaml'), peopleWhoSignIn()),
    cp(sandboxFiles().policies, at('policies'), { recursive: true }),
  ])
}

/** A service's token for another service; it lives for an hour and is replaced whole. */
export function writeIdentity(name: string, token: string): Promise<void> {
  return writePrivate(join(PLACES.settings, name), token)
}

/** The same people, who sign in at the console under their ids. */
function peopleWhoSignIn(): string {
  const { people, ...rest } = JSON.parse(PEOPLE) as { readonly people: readonly { readonly id: string, readonly identities: readonly object[] }[] }
  return JSON.stringify({ ...rest, people: people.map((person) => ({ ...person, identities: [...person.identities, { issuer: 'sign-in', subject: person.id }] })) })
}

export async function writePrivate(path: string, text: string): Promise<void> {
  const written = `${path}.${process.pid}`
  await writeFile(written, text, { mode: 0o600 })
  await rename(written, path)
}
