/** Checks that the gateway can get each target's Google credential. Its value appears nowhere. */
import { resolve } from 'node:path'
import { environmentSecrets, fileSecrets } from '@lockkeeper/adapter-sqlite'
import type { Call } from '@lockkeeper/domain'
import { createLogger } from '@lockkeeper/service-kit'
import { tokenTimes } from '../agent/agent-token.ts'
import { credentialSource } from '../gateway/credentials.ts'
import type { LoadedConfig } from '../gateway/load-config.ts'
import { findings, type Finding } from './finding.ts'
import { sound, type Surroundings } from './surroundings.ts'

const WITHIN_MS = 20_000

export async function checkCredentials(given: Surroundings): Promise<readonly Finding[]> {
  const { skipped } = findings('credentials')
  const loaded = sound(given)
  if (loaded === undefined) return [skipped('the targets stand in the configuration, and there is none that can be used')]
  if (loaded.config.mode === 'sandbox') return [skipped('the sandbox has made-up ones')]
  if (loaded.config.targets.length === 0) return [skipped('the targets are pushed, and not known here')]
  return Promise.all(loaded.config.targets.map((target) => checkOne(target, loaded, given)))
}

async function checkOne({ name, credential, hosts }: LoadedConfig['config']['targets'][number], { config, directory }: LoadedConfig, { clock, environment }: Surroundings): Promise<Finding> {
  const { ok, problem, skipped } = findings('credentials')
  if ('none' in credential) return ok(`${name}: sends none, by configuration`)
  const host = (hosts[0] ?? '').replace(/^\*\./, '')
  const secrets = config.secrets === undefined ? environmentSecrets('LOCKKEEPER_SECRET_', environment) : fileSecrets(resolve(directory, config.secrets))
  const source = credentialSource(name, credential, { clock, secrets, log: createLogger('doctor', { level: 'silent' }) })
  const { promise: late, resolve: giveUp } = Promise.withResolvers<Error>()
  const timer = setTimeout(() => giveUp(new Error(`no answer in ${WITHIN_MS / 1000} s`)), WITHIN_MS)
  try {
    // What sources look at of a call; one that names no resource is not downscoped, so this asks for the whole credential.
    const call = { target: name, host, method: { id: '', host }, resources: [] } as unknown as Call
    const value = await Promise.race([source.authorization(call), late])
    if (value instanceof Error) throw value
    if (value === undefined) return skipped(`${name}: sends none`)
    const { expiresAt } = tokenTimes(value.replace(/^Bearer /, ''))
    return ok(`${name}: ${source.kind} as ${source.principal}${expiresAt === undefined ? '' : `, good until ${new Date(expiresAt).toISOString()}`}`)
  } catch (error) {
    const detail = (error as { readonly refusal?: { readonly detail?: string } }).refusal?.detail
    return problem(`${name}: no credential (${source.kind}): ${[(error as Error).message, detail].filter((text) => text !== undefined).join(' ')}`, todo(source.kind))
  } finally {
    clearTimeout(timer)
  }
}

function todo(kind: string): string {
  if (kind === 'secret') return 'Put the secret where `secrets` says, readable by its owner alone.'
  if (kind === 'adc') return 'Run gcloud auth application-default login as the gateway\'s user, or set GOOGLE_APPLICATION_CREDENTIALS for it.'
  return 'Give the gateway\'s own account roles/iam.serviceAccountTokenCreator on that service account, and check its application default credentials.'
}
