/** Checks that the channels of `notify` answer. Nobody is told anything by it. */
import { resolve } from 'node:path'
import { environmentSecrets, fileSecrets } from '@lockkeeper/adapter-sqlite'
import { createPeopleDirectory } from '@lockkeeper/auth'
import { isRefusal, LockkeeperError, refuse } from '@lockkeeper/domain/errors'
import type { SecretSource } from '@lockkeeper/domain/ports'
import type { LoadedConfig } from '../gateway/load-config.ts'
import { findings, type Finding } from './finding.ts'
import { sound, type Surroundings } from './surroundings.ts'

/** What was found out about each kind, and what was not. */
const ANSWERS = {
  slack: 'Slack takes the token', googleChat: 'its address is there; whether it still takes messages is seen with the next one',
  email: 'the mail server takes the connection and the login', webhook: 'its secret is there; whether it answers is seen with the next fact',
} as const

export async function checkNotifier(given: Surroundings): Promise<readonly Finding[]> {
  const { ok, skipped, problem, warning } = findings('notifier')
  const loaded = sound(given)
  if (loaded === undefined) return [skipped('the channels stand in the configuration, and there is none that can be used')]
  const { notify, mode, approvalUrl } = loaded.config
  if (notify === undefined) return [skipped('notify is not configured: nobody is told outside the gateway')]
  const { checkChannels } = await import('@lockkeeper/notifier')
  const secrets = secretsOf(loaded, given)
  const checked = await checkChannels({ secrets, people: createPeopleDirectory(loaded.people), clock: given.clock }, { mode, channels: notify.channels, ...approvalUrl === undefined ? {} : { approvalUrl } })
  const found = checked.map(({ name, kind, problem: why }) => why === undefined
    ? ok(`${name}: ${ANSWERS[kind as keyof typeof ANSWERS]}`)
    : problem(`${name}: ${why}`, 'Correct the channel or its secret; until then its messages wait and nobody is told there.'))
  const signing = await signingProblem(notify.slack?.signingSecret, secrets)
  const linkless = approvalUrl === undefined && notify.channels.some(({ kind }) => kind === 'email' || kind === 'googleChat')
  return [
    ...found, ...signing === undefined ? [] : [problem(signing, 'Put the app\'s signing secret there; until then no click counts.')],
    ...linkless ? [warning('e-mail and Google Chat decide nothing themselves, and there is no page that they could link to', 'Set approvalUrl, or tell approvers to decide at the terminal.')] : [],
  ]
}

function secretsOf({ config, directory }: LoadedConfig, { environment }: Surroundings): SecretSource {
  return config.secrets === undefined ? environmentSecrets('LOCKKEEPER_SECRET_', environment) : fileSecrets(resolve(directory, config.secrets))
}

async function signingProblem(name: string | undefined, secrets: SecretSource): Promise<string | undefined> {
  if (name === undefined) return undefined
  const found = await secrets.access(name).catch((cause: unknown) => cause instanceof LockkeeperError ? cause.refusal : refuse('CREDENTIAL_UNAVAILABLE', 'It cannot be read.'))
  if (isRefusal(found)) return `the signing secret ${name} of Slack cannot be had`
  return /^[0-9a-f]{32}$/.test(found.value.trim()) ? undefined : `the secret ${name} is no signing secret of Slack: those are 32 hexadecimal digits`
}
