/** SecretSource from files that only their owner may read, and from the environment. */
import { join } from 'node:path'
import { LockkeeperError } from '@lockkeeper/domain/errors'
import { PortUnavailable, type SecretSource } from '@lockkeeper/domain/ports'
import { checkDirectory, readPrivateFile } from './private-files.ts'

const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/
const MAX_SECRET_BYTES = 64 * 1024

/** One file per secret in `directory`; one newline at its end is not part of the value. The version is the file's time of change. */
export function fileSecrets(directory: string): SecretSource {
  return {
    async access(name) {
      checkName(name)
      const path = join(directory, name)
      const found = await readSecret(directory, path, name)
      if (found === undefined) throw missing(name, `there is no file ${path}`)
      return { value: textOf(name, found.bytes), version: `file:${found.stat.mtimeNs}` }
    },
  }
}

/**
 * Variables of `env` that begin with `prefix`: secret `db-password` with prefix `LOCKKEEPER_SECRET_` is
 * `LOCKKEEPER_SECRET_DB_PASSWORD`. The version is always `environment`.
 */
export function environmentSecrets(prefix: string, env: Readonly<Record<string, string | undefined>>): SecretSource {
  return {
    async access(name) {
      checkName(name)
      const variable = prefix + name.toUpperCase().replaceAll(/[.-]/g, '_')
      const value = Object.hasOwn(env, variable) ? env[variable] : undefined
      if (value === undefined || value === '') throw missing(name, `the variable ${variable} is not set`)
      return { value, version: 'environment' }
    },
  }
}

async function readSecret(directory: string, path: string, name: string): ReturnType<typeof readPrivateFile> {
  try {
    checkDirectory(directory)
    return await readPrivateFile(path, MAX_SECRET_BYTES)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw missing(name, error instanceof PortUnavailable ? error.message : `${path} cannot be read`, error)
  }
}

function textOf(name: string, bytes: Buffer): string {
  let value: string
  try {
    value = new TextDecoder('utf-8', { fatal: true }).decode(bytes).replace(/\r?\n$/, '')
  } catch {
    // The cause would quote nothing useful, and nothing of a secret's content belongs into an error.
    throw missing(name, 'its file is not UTF-8 text')
  }
  if (value === '') throw missing(name, 'its file is empty')
  return value
}

function checkName(name: string): void {
  if (typeof name !== 'string' || !NAME.test(name)) throw new TypeError('a secret\'s name is 1 to 128 of [A-Za-z0-9_.-] and begins with a letter or digit')
}

function missing(name: string, detail: string, cause?: unknown): LockkeeperError {
  return new LockkeeperError('CREDENTIAL_UNAVAILABLE', `The secret ${name} cannot be had. Nothing was sent.`, { cause, detail: { detail } })
}
