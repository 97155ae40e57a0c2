/** What no configuration of the gateway may say, however valid it is. */
import { argumentOf, literalOf, textsOf, type Argument, type Block, type Body } from './hcl-blocks.ts'
import type { Module, Placed } from './read-configuration.ts'

/** `# edge: why` above or behind a line makes it the place where everybody may come: the proxy, which checks every token itself. */
const EDGE = /# edge: \S/
/** `# whole project: why` likewise, where an account must act as others that do not exist yet. */
const WHOLE_PROJECT = /# whole project: \S/

const PRIMITIVE = /^roles\/(?:owner|editor|viewer)$/
/** Whoever has one of these for a whole project is every account in it. */
const ACCOUNT_ROLES = /^roles\/iam\.(?:serviceAccountTokenCreator|serviceAccountUser|serviceAccountKeyAdmin|workloadIdentityUser)$/
const FORBIDDEN_TYPES: Readonly<Record<string, string>> = {
  google_service_account_key: 'a service account key: whoever copies it is that account for years',
  google_storage_hmac_key: 'a long-lived key to buckets',
  google_project_iam_policy: 'the whole IAM policy of a project: it takes everybody else\'s rights away',
  google_project_default_service_accounts: 'accounts that other workloads may need',
}
const SECRET_NAME = /(?:^|_)(?:password|passphrase|secret_data|secret_value|private_key|api_key|auth_token|access_token|client_secret)$/
const KEY_TEXT = /-----BEGIN [A-Z ]*PRIVATE KEY-----|"private_key_id"/

/** Type → arguments that must say so. What state lives in is not removed by an apply. */
const STATEFUL: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  google_firestore_database: { delete_protection_state: 'DELETE_PROTECTION_ENABLED', point_in_time_recovery_enablement: 'POINT_IN_TIME_RECOVERY_ENABLED' },
  google_storage_bucket: { public_access_prevention: 'enforced', uniform_bucket_level_access: 'true' },
  google_kms_crypto_key: {},
  google_bigquery_dataset: {},
  google_secret_manager_secret: {},
}

export function checkRules(module: Module, lines: (file: string) => readonly string[]): readonly string[] {
  return module.blocks.flatMap((block) => [
    ...everyArgument(block.body).flatMap((argument) => checkArgument(argument, block, lines(block.file))),
    ...block.type === 'resource' ? checkResource(block) : [],
    ...block.type === 'variable' ? checkVariable(block) : [],
  ])
}

function everyArgument(body: Body): readonly Argument[] {
  return [...body.arguments, ...body.blocks.flatMap((block) => everyArgument(block.body))]
}

function checkArgument(argument: Argument, block: Placed, lines: readonly string[]): readonly string[] {
  const isMarked = (line: number, mark: RegExp): boolean => mark.test(lines[line - 1] ?? '') || mark.test(lines[line - 2] ?? '')
  // The provider's own argument, and that of modules/service.
  const open = argument.name === 'invoker_iam_disabled' && literalOf(argument) !== 'false' || argument.name === 'check_invoker' && literalOf(argument) !== 'true'
  return [
    ...open && !isMarked(argument.line, EDGE) ? [`${block.file}:${argument.line} ${block.labels.join('.')} lets everybody call it (${argument.name}); only a line marked "# edge:" may`] : [],
    ...SECRET_NAME.test(argument.name) && block.type !== 'variable' && isPlain(argument) ? [`${block.file}:${argument.line} ${argument.name} is a secret in plain text`] : [],
    ...textsOf(argument.value).flatMap(({ text, line }) => [
      .../^(?:allUsers|allAuthenticatedUsers)$/.test(text) && block.type !== 'variable' && !isMarked(line, EDGE) ? [`${block.file}:${line} names ${text}; only a line marked "# edge:" may`] : [],
      ...PRIMITIVE.test(text) && block.type !== 'variable' ? [`${block.file}:${line} gives ${text}, which is a primitive role`] : [],
      ...KEY_TEXT.test(text) ? [`${block.file}:${line} holds a private key`] : [],
      ...ACCOUNT_ROLES.test(text) && /^google_(?:project|folder|organization)_iam_/.test(block.labels[0] ?? '') && !isMarked(line, WHOLE_PROJECT) ? [`${block.file}:${line} gives ${text} on every account of a project; give it on one account, or mark the line "# whole project:"`] : [],
    ]),
  ]
}

function isPlain(argument: Argument): boolean {
  const literal = argument.value[0]?.kind === 'text' ? literalOf(argument) : undefined
  return literal !== undefined && literal !== ''
}

function checkVariable({ file, line, labels, body }: Placed): readonly string[] {
  const [name = ''] = labels
  if (!SECRET_NAME.test(name)) return []
  const fallback = argumentOf(body, 'default')
  return [
    ...fallback !== undefined && isPlain(fallback) ? [`${file}:${fallback.line} variable ${name} has a secret in plain text as its default`] : [],
    ...literalOf(argumentOf(body, 'sensitive')) === 'true' ? [] : [`${file}:${line} variable ${name} is a secret and not marked sensitive`],
  ]
}

function checkResource(block: Placed): readonly string[] {
  const [type = '', name = ''] = block.labels
  const address = `${type}.${name}`
  const at = `${block.file}:${block.line} ${address}`
  const forbidden = FORBIDDEN_TYPES[type]
  return [
    ...forbidden === undefined ? [] : [`${at} makes ${forbidden}`],
    ...checkStateful(block, type, at),
    ...type === 'google_storage_bucket' && literalOf(argumentOf(block.body, 'force_destroy')) === 'true' ? [`${at} is removed with everything in it (force_destroy)`] : [],
    ...type === 'google_cloud_run_v2_service' ? checkService(block, at) : [],
    ...type === 'google_pubsub_subscription' ? checkSubscription(block, at) : [],
    ...type === 'google_monitoring_alert_policy' && argumentOf(block.body, 'notification_channels') === undefined ? [`${at} tells nobody (notification_channels)`] : [],
  ]
}

function checkStateful({ body }: Placed, type: string, at: string): readonly string[] {
  const wanted = STATEFUL[type]
  if (wanted === undefined) return []
  const guarded = body.blocks.some((block) => block.type === 'lifecycle' && literalOf(argumentOf(block.body, 'prevent_destroy')) === 'true')
  return [
    ...guarded ? [] : [`${at} holds state and has no prevent_destroy`],
    ...Object.entries(wanted).filter(([name, value]) => literalOf(argumentOf(body, name)) !== value).map(([name, value]) => `${at} holds state and does not say ${name} = ${value}`),
  ]
}

function checkService({ body }: Placed, at: string): readonly string[] {
  const template = body.blocks.find(({ type }) => type === 'template')
  return [
    ...['deletion_protection', 'ingress'].filter((name) => argumentOf(body, name) === undefined).map((name) => `${at} leaves ${name} to its default`),
    ...template !== undefined && argumentOf(template.body, 'service_account') === undefined ? [`${at} runs as the project's default account, which may do everything`] : [],
  ]
}

function checkSubscription({ body }: Placed, at: string): readonly string[] {
  const expiration = body.blocks.find(({ type }) => type === 'expiration_policy')
  const pushes = body.blocks.flatMap((block): readonly Body[] => block.type === 'push_config' ? [block.body] : isDynamic(block, 'push_config') ? block.body.blocks.map((one) => one.body) : [])
  return [
    ...expiration !== undefined && literalOf(argumentOf(expiration.body, 'ttl')) === '' ? [] : [`${at} is gone after 31 quiet days: expiration_policy with ttl = ""`],
    ...pushes.some((push) => !push.blocks.some(({ type }) => type === 'oidc_token')) ? [`${at} pushes without a token (oidc_token)`] : [],
  ]
}

function isDynamic(block: Block, name: string): boolean {
  return block.type === 'dynamic' && block.labels[0] === name
}
