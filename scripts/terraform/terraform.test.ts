import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readRepositoryFiles, type RepositoryFile } from '../checks/repository-files.ts'
import { checkFiles, checkTerraform } from './check-terraform.ts'
import { checkTopology } from './check-topology.ts'
import { readBody, type Body } from './hcl-blocks.ts'
import { parseHcl } from './parse-hcl.ts'
import { readProviderSchema } from './provider-schema.ts'
import { isTerraform } from './read-configuration.ts'

const ROOT = join(import.meta.dirname, '../..')
const EXAMPLE = join(import.meta.dirname, 'example')
const SCHEMA = readProviderSchema(join(import.meta.dirname, 'provider-schema.json'))

const MAIN = 'modules/queue/main.tf'
const VARIABLES = 'modules/queue/variables.tf'
const OUTPUTS = 'modules/queue/outputs.tf'
const VERSIONS = 'modules/queue/versions.tf'
const TEST = 'modules/queue/tests/queue.tftest.hcl'
const DEV = 'environments/dev/main.tf'
const VALUES = 'environments/dev/dev.tfvars'

const TOPIC = 'google_pubsub_topic.main'
const SERVICE = 'google_cloud_run_v2_service.main'
const BUCKET = 'google_storage_bucket.main'
const SUBSCRIPTION = 'google_pubsub_subscription.main'

/** Title, file, what is replaced by what, and what must be said, without the file. Nothing else may be said. */
const PLANTED: readonly (readonly [string, string, string, string, string | readonly string[]])[] = [
  ['broken syntax', MAIN, 'ttl = ""\n', 'ttl = \n', '31 is not Terraform: Invalid expression'],
  ['an unknown resource type', MAIN, '"google_project_iam_member"', '"google_project_iam_membership"', '71 resource google_project_iam_membership is not in provider-schema.json'],
  ['an unknown data source', MAIN, 'data "google_project" "main" {', 'data "google_prospect" "main" {', ['8 data google_prospect is not in', '26 names data.google_project.main, which is not declared']],
  ['an unknown argument', MAIN, 'ingress   ', 'ingresses ', ['77 google_cloud_run_v2_service.main leaves ingress to its default', '81 google_cloud_run_v2_service.main has no argument ingresses']],
  ['an unknown argument in a nested block', MAIN, 'image = "eu', 'imago = "eu', [`89 ${SERVICE} template containers lacks image`, `90 ${SERVICE} template containers has no argument imago`]],
  ['an unknown argument in a dynamic block', MAIN, 'attributes    = {', 'attribute_map = {', `39 ${SUBSCRIPTION} push_config has no argument attribute_map`],
  ['an unknown block', MAIN, 'message_storage_policy {', 'storage_policy {', `18 ${TOPIC} has no block storage_policy`],
  ['an unknown dynamic block', MAIN, 'dynamic "push_config"', 'dynamic "push_settings"', [`34 ${SUBSCRIPTION} has no block push_settings`, '38 names push_config.value, which is not declared']],
  ['a missing required argument', MAIN, '  location            = "europe-west1"\n', '', `77 ${SERVICE} lacks location`],
  ['a missing required block', MAIN, '    action {\n      type = "Delete"\n    }\n\n', '', `55 ${BUCKET} lifecycle_rule lacks action`],
  ['a missing required argument in a nested block', MAIN, '        service_account_email = each.value.account\n', '', `41 ${SUBSCRIPTION} push_config oidc_token lacks service_account_email`],
  ['a block written as an argument', MAIN, 'message_storage_policy {', 'message_storage_policy = {', `18 ${TOPIC} writes message_storage_policy as an argument; it is a block`],
  ['an argument written as a block', MAIN, 'labels  = { words = lower(local.words) }', 'labels {\n    words = lower(local.words)\n  }', [`16 ${TOPIC} writes labels as a block; it is an argument`]],
  ['a block that may stand once, twice', MAIN, '  expiration_policy {\n    ttl = ""\n  }\n', '  expiration_policy {\n    ttl = ""\n  }\n\n  expiration_policy {\n    ttl = ""\n  }\n', `34 ${SUBSCRIPTION} has expiration_policy twice`],
  ['a dynamic block without content', MAIN, '    content {\n      push_endpoint', '    contents {\n      push_endpoint', [`34 ${SUBSCRIPTION} dynamic push_config has no content`]],
  ['a dynamic block without for_each', MAIN, 'for_each = each.value.address ==', 'for_all = each.value.address ==', [`34 ${SUBSCRIPTION} dynamic push_config lacks for_each`, `35 ${SUBSCRIPTION} dynamic push_config has no argument for_all`]],
  ['what only the provider sets', MAIN, '  name    = "queue" # its name\n', '  name    = "queue" # its name\n\n  effective_labels = {}\n\n', ['19 has its equals sign', `17 ${TOPIC} sets effective_labels, which the provider sets`]],
  ['one value for a list', MAIN, '["europe-west1"]', '"europe-west1"', '19 google_pubsub_topic.main message_storage_policy gives allowed_persistence_regions one value'],
  ['a word for a number', MAIN, 'age = 7', 'age = "seven"', `61 ${BUCKET} lifecycle_rule condition gives age "seven", where it is a number`],
  ['a provisioner', MAIN, '  lifecycle {\n    prevent', '  provisioner "local-exec" {\n    command = "true"\n  }\n\n  lifecycle {\n    prevent', `65 ${BUCKET} has a provisioner`],
  ['an undeclared variable', MAIN, 'project_id = var.project_id', 'project_id = var.project', '9 names var.project, which is not declared'],
  ['an undeclared local', MAIN, 'for_each = local.pushed', 'for_each = local.pulled', '24 names local.pulled, which is not declared'],
  ['an undeclared resource', MAIN, '= google_pubsub_topic.main.id', '= google_pubsub_topic.other.id', '28 names google_pubsub_topic.other, which is not declared'],
  ['an attribute that is not there', OUTPUTS, 'google_pubsub_topic.main.id', 'google_pubsub_topic.main.uri', `3 names ${TOPIC}.uri, an attribute that it does not have`],
  ['one of several without a choice', OUTPUTS, '[for one in google_pubsub_subscription.main : one.name]', '[google_pubsub_subscription.main.name]', `8 names ${SUBSCRIPTION}.name; there are several`],
  ['a choice where there is one', OUTPUTS, 'google_pubsub_topic.main.id', 'google_pubsub_topic.main[0].id', `3 chooses among ${TOPIC}; there is one`],
  ['each without for_each', MAIN, 'name    = "queue" #', 'name    = each.key #', '15 names each without for_each'],
  ['an iterator\'s unknown part', MAIN, 'push_config.value\n', 'push_config.address\n', '38 names push_config.address; an iterator has key and value'],
  ['a name beyond the expression that binds it', MAIN, 'if one.address != null }', 'if one.address != null && two }', '2 names two, which is not declared'],
  ['an unknown name in a text', MAIN, '"queue-${each.key}"', '"queue-${each.keys}"', '27 names each.keys; there are each.key and each.value'],
  ['an unknown function', MAIN, 'upper(name)', 'uppercase(name)', '4 calls uppercase, which Terraform does not know'],
  ['self outside a postcondition', MAIN, 'name    = "queue" #', 'name    = self.id #', '15 names self outside a postcondition'],
  ['count and for_each together', MAIN, '  for_each = local.pushed\n', '  for_each = local.pushed\n  count    = 1\n', `24 ${SUBSCRIPTION} has both count and for_each`],
  ['changes ignored of what is not there', MAIN, '[labels]', '[label]', `67 ${BUCKET} ignores changes of label`],
  ['a resource declared twice', MAIN, 'resource "google_project_iam_member" "reader"', 'resource "google_storage_bucket" "main"', ['71 google_storage_bucket.main', '73 google_storage_bucket.main has no argument role', '74 google_storage_bucket.main has no argument member', `71 resource google_storage_bucket main is declared in ${MAIN}:48 already`]],
  ['an undescribed variable', VARIABLES, '  description = "Project of the queue."\n', '', ['1 variable project_id has no description', '2 has its equals sign']],
  ['an untyped variable', VARIABLES, '  type        = string\n}\n\nvariable "consumers"', '}\n\nvariable "consumers"', '1 variable project_id has no type'],
  ['the type any', VARIABLES, '  type        = string\n}\n\nvariable "consumers"', '  type        = any\n}\n\nvariable "consumers"', '3 variable project_id has the type any'],
  ['an undescribed output', OUTPUTS, '  description = "Full name of the topic."\n', '', ['1 output topic has no description', '2 has its equals sign']],
  ['an unused variable', MAIN, '{ token = var.access_token }', '{ token = "" }', `${VARIABLES}:17 variable access_token is used nowhere`],
  ['an unused local', MAIN, '{ words = lower(local.words) }', '{}', '3 local words is used nowhere'],
  ['an input that the module does not take', DEV, 'access_token = var.access_token\n', 'access_token = var.access_token\n  color        = "red"\n', '13 module queue gives color, which modules/queue does not take'],
  ['a required input left out', DEV, '  project_id   = "example"\n', '', '7 module queue lacks project_id'],
  ['an output that the module does not have', DEV, 'module.queue[0].topic', 'module.queue[0].topics', '17 names module.queue.topics, which is no output of modules/queue'],
  ['a module that is not there', DEV, '"../../modules/queue"', '"../../modules/queues"', '8 module queue comes from modules/queues, where no module is'],
  ['a module from elsewhere', DEV, '"../../modules/queue"', '"terraform-google-modules/pubsub/google"', '7 module queue does not come from a path in this repository'],
  ['a provider that is not pinned', VERSIONS, '"~> 6.50"', '">= 6"', '7 the provider google is not pinned to ~> 6.50'],
  ['another provider', VERSIONS, '    google = {', '    random = {', ['1 modules/queue does not say which version of the provider google', '5 modules/queue needs the provider random']],
  ['no version of Terraform', VERSIONS, '  required_version = ">= 1.9, < 2"\n\n', '', '1 modules/queue does not say which version of Terraform it needs'],
  ['everybody as a member', MAIN, '"serviceAccount:${values(local.pushed)[0].account}"', '"allUsers"', '74 names allUsers; only a line marked "# edge:" may'],
  ['everybody with an account as a member', MAIN, '"serviceAccount:${values(local.pushed)[0].account}"', '"allAuthenticatedUsers"', '74 names allAuthenticatedUsers'],
  ['a service open to everybody that is not the edge', MAIN, '  # edge: checks every token itself.\n', '  # checks every token itself.\n', '84 google_cloud_run_v2_service.main lets everybody call it'],
  ['a call that opens a service to everybody', DEV, '  access_token = var.access_token\n', '  access_token = var.access_token\n\n  check_invoker = false\n', ['14 module queue gives check_invoker', '14 queue lets everybody call it (check_invoker)']],
  ['a primitive role', MAIN, 'roles/pubsub.viewer', 'roles/editor', '73 gives roles/editor, which is a primitive role'],
  ['every account of a project', MAIN, 'roles/pubsub.viewer', 'roles/iam.serviceAccountTokenCreator', '73 gives roles/iam.serviceAccountTokenCreator on every account of a project'],
  ['a service account key', MAIN, 'resource "google_project_iam_member" "reader"', 'resource "google_service_account_key" "reader"', ['71 google_service_account_key.reader makes a service account key', '71 resource google_service_account_key is not in']],
  ['a secret in plain text', DEV, 'access_token = var.access_token', 'access_token = "hunter2"', ['1 variable access_token is used nowhere', '12 access_token is a secret in plain text']],
  ['a secret as a default', VARIABLES, '  sensitive   = true\n', '  sensitive   = true\n  default     = "hunter2"\n', '21 variable access_token has a secret in plain text as its default'],
  ['a secret that is shown', VARIABLES, '  sensitive   = true\n', '', '17 variable access_token is a secret and not marked sensitive'],
  ['a private key', MAIN, '"door@example.iam.gserviceaccount.com"', `"-----BEGIN ${'PRIVATE'} KEY-----"`, '87 holds a private key'],
  ['state without prevent_destroy', MAIN, 'prevent_destroy = true', 'prevent_destroy = false', `48 ${BUCKET} holds state and has no prevent_destroy`],
  ['a bucket that may become public', MAIN, 'public_access_prevention    = "enforced"', 'public_access_prevention    = "inherited"', `48 ${BUCKET} holds state and does not say public_access_prevention = enforced`],
  ['a service without deletion protection', MAIN, '  deletion_protection = true\n', '', [`77 ${SERVICE} leaves deletion_protection`, '78 has its equals', '79 has its equals', '80 has its equals', '81 has its equals']],
  ['a service that runs as the default account', MAIN, '    service_account = "door@example.iam.gserviceaccount.com"\n\n', '', `77 ${SERVICE} runs as the project's default account`],
  ['a subscription that expires', MAIN, '    ttl = ""\n', '    ttl = "2678400s"\n', `23 ${SUBSCRIPTION} is gone after 31 quiet days`],
  ['a push without a token', MAIN, '      oidc_token {', '      no_wrapper {', [`23 ${SUBSCRIPTION} pushes without a token`, `41 ${SUBSCRIPTION} push_config no_wrapper lacks write_metadata`, `42 ${SUBSCRIPTION} push_config no_wrapper has no argument service_account_email`]],
  ['a wrong indentation', MAIN, '    ttl = ""\n', '   ttl = ""\n', '31 is indented by 3 spaces, not 4'],
  ['equals signs out of line', MAIN, 'role    = ', 'role = ', '73 has its equals sign in column 8, not 11'],
  ['a tab', MAIN, '    ttl = ""\n', '\tttl = ""\n', ['31 has a tab', '31 is indented by 1 spaces, not 4']],
  ['spaces at the end of a line', MAIN, '    ttl = ""\n', '    ttl = "" \n', '31 has spaces at its end'],
  ['a file that does not end with a newline', VALUES, 'access_token = ""\n', 'access_token = ""', '1 does not end with one newline'],
  ['a value for no variable', VALUES, 'access_token', 'refresh_token', '1 gives refresh_token, which environments/dev does not take'],
  ['a test\'s value for no variable', TEST, '  project_id   = "example"\n', '  project      = "example"\n', ['10 gives project, which modules/queue does not take', '15 run a_topic_is_there lacks project_id']],
  ['a test of an output that is not there', TEST, 'output.topic ==', 'output.topics ==', '19 names output.topics, which modules/queue does not have'],
  ['a test that waits for a check that is not there', TEST, '  command = apply\n', '  command = apply\n\n  expect_failures = [check.sound]\n', '18 names check.sound, which modules/queue does not have'],
  ['a test that mocks what is not there', TEST, 'id = "projects', 'uri = "projects', '4 mocks google_pubsub_topic.uri, which it does not have'],
  ['a test that asserts nothing', TEST, '  assert {\n    condition     = output.topic == google_pubsub_topic.main.id\n    error_message = "The topic is another."\n  }\n', '', '15 run a_topic_is_there asserts nothing'],
]

function readExample(): readonly RepositoryFile[] {
  return readdirSync(EXAMPLE, { recursive: true, encoding: 'utf8' }).map((file) => file.replaceAll('\\', '/')).filter((file) => isTerraform({ file, text: '' })).map((file) => ({ file, text: readFileSync(join(EXAMPLE, file), 'utf8') }))
}

describe('terraform', function () {
  this.timeout(30_000)
  const example = readExample()

  it('a correct example has no faults', async () => assert.deepEqual(await checkFiles(example, SCHEMA), []))

  for (const [title, file, from, to, wanted] of PLANTED) it(`finds ${title}`, async () => {
    const text = example.find((one) => one.file === file)?.text ?? ''
    assert.equal(text.split(from).length, 2, `${file} must have ${JSON.stringify(from)} once`)
    const found = await checkFiles(example.map((one) => one.file === file ? { file, text: text.replace(from, () => to) } : one), SCHEMA)
    const expected = (typeof wanted === 'string' ? [wanted] : wanted).map((one) => /^\w+\//.test(one) ? one : `${file}:${one}`)
    for (const one of expected) assert.ok(found.some((fault) => fault.startsWith(one)), `${one}\nis not among\n${found.join('\n')}`)
    assert.deepEqual(found.filter((fault) => !expected.some((one) => fault.startsWith(one))), [])
  })

  it('reads the same blocks and arguments as hcl2json does', async () => {
    const files = [...example, ...readRepositoryFiles(ROOT).filter((file) => file.file.startsWith('terraform/') && isTerraform(file))]
    for (const { file, text } of files) assert.deepEqual(namesRead(readBody(text)), namesParsed(await parseHcl(file, text), readBody(text)), file)
  })

  it('the repository\'s own configuration has no faults', async () => assert.deepEqual(await checkTerraform(ROOT, readRepositoryFiles(ROOT)), []))
})

/** Names at the top and in blocks at the top, which is where hcl2json keeps them apart from values. */
function namesRead(body: Body): readonly string[] {
  return [...new Set([...body.arguments.map(({ name }) => name), ...body.blocks.flatMap(({ type, labels, body: inner }) => {
    const head = [type, ...labels].join('/')
    return [head, ...inner.arguments.map(({ name }) => `${head}/${name}`), ...inner.blocks.map((block) => `${head}/${block.type}`)]
  })])].sort()
}

function namesParsed(parsed: Record<string, unknown>, body: Body): readonly string[] {
  const depth = new Map(body.blocks.map(({ type, labels }) => [type, labels.length]))
  return [...new Set(Object.entries(parsed).flatMap(([name, value]) => depth.has(name) ? namesBelow(name, value, depth.get(name) ?? 0) : [name]))].sort()
}

function namesBelow(head: string, value: unknown, labels: number): readonly string[] {
  if (labels > 0) return Object.entries(value as object).flatMap(([label, inner]) => namesBelow(`${head}/${label}`, inner, labels - 1))
  return (value as readonly object[]).flatMap((one) => [head, ...Object.keys(one).map((name) => `${head}/${name}`)])
}

describe('the topology', () => {
  const files = readRepositoryFiles(ROOT)
  const with_ = (file: string, from: string | RegExp, to: string): readonly RepositoryFile[] => files.map((one) => one.file === file ? { file, text: one.text.replace(from, () => to) } : one)
  const faultsOf = (changed: readonly RepositoryFile[]): readonly string[] => checkTopology(changed).map((fault) => fault.replace(/^infra\/topology\.json:\d+ /, ''))
  const TOPOLOGY = 'infra/topology.json'

  const BROKEN: readonly (readonly [string, readonly RepositoryFile[], readonly string[]])[] = [
    ['an event without a topic', [...files, { file: 'infra/schemas/planted.made.v1.json', text: '{}' }], ['the event planted.made.v1 has no topic']],
    ['an event without a schema', files.filter(({ file }) => file !== 'infra/schemas/lock.changed.v1.json'), ['the event lock.changed has no schema infra/schemas/lock.changed.v1.json']],
    ['a subscription to no topic', with_(TOPOLOGY, '"topic": "access"', '"topic": "entrance"'), ['nobody takes events of the topic access', 'approval-access takes from entrance, which is no topic']],
    ['dead letters that two share', with_(TOPOLOGY, '"approval-access-dead"', '"approval-decisions-dead"'), ['approval-access has no dead letters of its own', 'approval-decisions has no dead letters of its own']],
    ['a push to another path', with_(TOPOLOGY, '/push/approval-access', '/push/approval-decisions'), ['approval-access is pushed to /push/approval-decisions, not to /push/approval-access']],
    ['a subscription that nothing handles', files.filter(({ file }) => file !== 'services/audit/src/topology.test.ts'), ['records', 'approvals', 'locks', 'policies'].map((topic) => `no source of services/audit subscribes as audit, or no topology.test.ts there holds it to this file (${topic})`)],
    ['a topic that nobody publishes to', with_(TOPOLOGY, /"publishes": \[\s*"access",/, '"publishes": ['), ['nobody publishes to the topic access']],
    ['a configuration with a list of its own', files.map(({ file, text }) => ({ file, text: file.startsWith('terraform/modules/suite/') ? text.replace('topology.json', 'queues.json') : text })), ['terraform/modules/suite does not read this file']],
    ['dead letters without an alert', files.map(({ file, text }) => ({ file, text: file.startsWith('terraform/modules/observability/') ? text.replaceAll('"dead-', '"gone-') : text })), ['terraform/modules/observability has no alert for every subscription\'s dead letters']],
  ]

  for (const [title, changed, wanted] of BROKEN) it(`finds ${title}`, () => assert.deepEqual(faultsOf(changed).filter((fault) => !faultsOf(files).includes(fault)), wanted))
})
