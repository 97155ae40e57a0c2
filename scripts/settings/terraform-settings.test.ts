import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { copyFileSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadServiceSettings } from '@lockkeeper/service-kit/server'
import { describeNotRun } from '@lockkeeper/testkit/emulators'
import { approvalProblems, approvalSettingsSchema } from '../../services/approval/src/cloud-settings.ts'
import { auditCloudSettingsSchema } from '../../services/audit/src/cloud-settings.ts'
import { consoleCloudSettingsSchema, consoleProblems } from '../../services/console/src/cloud-settings.ts'
import { notifierCloudSettingsSchema, notifierProblems } from '../../services/notifier/src/cloud-settings.ts'
import { policyCloudSettingsSchema } from '../../services/policy/src/cloud-settings.ts'
import { proxyProblems, proxySettingsSchema } from '../../services/proxy/src/cloud-settings.ts'
import { terraformIsHere } from '../terraform/try-configurations.ts'

const TERRAFORM = join(import.meta.dirname, '../../terraform')
const MODULE = join(TERRAFORM, 'modules/settings')
const SERVICES = ['proxy', 'policy', 'approval', 'audit', 'notifier', 'console'] as const
const INNER = ['policy', 'approval', 'audit', 'notifier'] as const

const problemsIn: Readonly<Record<typeof SERVICES[number], (file: string) => object>> = {
  proxy: (file) => loadServiceSettings(proxySettingsSchema, { LOCKKEEPER_CONFIG: file }, proxyProblems),
  policy: (file) => loadServiceSettings(policyCloudSettingsSchema, { LOCKKEEPER_CONFIG: file }),
  approval: (file) => loadServiceSettings(approvalSettingsSchema, { LOCKKEEPER_CONFIG: file }, approvalProblems),
  audit: (file) => loadServiceSettings(auditCloudSettingsSchema, { LOCKKEEPER_CONFIG: file }),
  notifier: (file) => loadServiceSettings(notifierCloudSettingsSchema, { LOCKKEEPER_CONFIG: file }, notifierProblems),
  console: (file) => loadServiceSettings(consoleCloudSettingsSchema, { LOCKKEEPER_CONFIG: file }, consoleProblems),
}

const account = (name: string): string => `${name}@acme-gateway.iam.gserviceaccount.com`
const key = (name: string, version: number): string => `projects/acme-gateway/locations/europe-west1/keyRings/lockkeeper-gateway/cryptoKeys/${name}/cryptoKeyVersions/${version}`
const secret = (name: string) => ({ [name]: { secret: `projects/acme-gateway/secrets/lockkeeper-${name}`, version: 1 } })
const forEach = <K extends string, T>(names: readonly K[], value: (name: K) => T): Record<string, T> => Object.fromEntries(names.map((name) => [name, value(name)]))

/** What the suite gives the module, with the people's part of one environment. */
function valuesFor(environment: string): object {
  return {
    project_id: 'acme-gateway', door: 'gw.acme.example', approval_url: 'https://console.acme.example/a/{id}', people_path: 'people.yaml', proxy_account: account('lockkeeper-proxy'),
    own: forEach(SERVICES, (name) => readFileSync(join(TERRAFORM, 'environments', environment, 'settings', `${name}.yaml`), 'utf8')),
    databases: forEach([...INNER, 'console'], (name) => `lockkeeper-${name}`),
    buckets: { bundles: 'acme-gateway-bundles', receipts: 'acme-gateway-receipts', log: 'acme-gateway-log' },
    keys: forEach(['proxy', 'policy', 'audit'], (name) => [key(name, 2), key(name, 1)]),
    secrets: { proxy: secret('session-key'), approval: { ...secret('receipt-key'), ...secret('slack-signing') }, notifier: { ...secret('slack-token'), ...secret('mail-links') }, console: { ...secret('console-oidc'), ...secret('mail-links') } },
    origins: forEach(INNER, (name) => `https://lockkeeper-${name}-123456789012.europe-west1.run.app`),
    pushers: forEach(['approval', 'audit', 'notifier'], (name) => account(`lockkeeper-push-${name}`)),
    operators: forEach(INNER, (name) => [account(`lk-${name}`)]),
    protected_projects: ['acme-gateway', '123456789012'],
    targets: [{ name: 'google', hosts: ['*.googleapis.com'], account: 'lk-google-change@acme-upstream.iam.gserviceaccount.com' }],
    ...environment === 'prod' ? { collector_url: 'http://127.0.0.1:4318', console: { origin: 'https://console.acme.example', account: account('lockkeeper-console'), iap_audience: '/projects/123456789012/global/backendServices/1' } } : {},
  }
}

function terraform(directory: string, ...words: readonly string[]): string {
  const { PATH = '' } = process.env
  const { status, stdout, stderr } = spawnSync('terraform', [`-chdir=${directory}`, ...words], { encoding: 'utf8', timeout: 30_000, env: { PATH, HOME: directory, CHECKPOINT_DISABLE: '1', TF_IN_AUTOMATION: '1' } })
  assert.equal(status, 0, stdout + stderr)
  return stdout
}

const TITLE = 'terraform settings: what Terraform writes, the services take'
if (!terraformIsHere()) describeNotRun(TITLE, 'there is no terraform on the PATH')
else describe(TITLE, () => {
  let directory: string
  before(() => { directory = mkdtempSync(join(tmpdir(), 'lockkeeper-settings-')) })
  after(() => rmSync(directory, { recursive: true, force: true }))

  /** The module has no provider, so that to apply it is only to work out its outputs. */
  function filesOf(environment: string): string {
    const place = join(directory, environment)
    cpSync(MODULE, place, { recursive: true, filter: (path) => !path.includes('.terraform') })
    writeFileSync(join(place, 'values.auto.tfvars.json'), JSON.stringify(valuesFor(environment)))
    terraform(place, 'init', '-backend=false', '-input=false')
    terraform(place, 'apply', '-auto-approve', '-input=false')
    const files = JSON.parse(terraform(place, 'output', '-json', 'files')) as Readonly<Record<string, string>>
    for (const [name, text] of Object.entries(files)) writeFileSync(join(place, `${name}.yaml`), text)
    copyFileSync(join(TERRAFORM, 'environments', environment, 'settings/people.yaml'), join(place, 'people.yaml'))
    return place
  }

  it('every service takes the settings of production in real mode', function () {
    this.timeout(60_000)
    const place = filesOf('prod')
    for (const name of SERVICES) assert.deepEqual((problemsIn[name](join(place, `${name}.yaml`)) as { problems?: unknown }).problems, undefined, name)
  })

  it('every service but the console, which is not there, takes those of the test environment', function () {
    this.timeout(60_000)
    const place = filesOf('dev')
    for (const name of SERVICES.filter((each) => each !== 'console')) assert.deepEqual((problemsIn[name](join(place, `${name}.yaml`)) as { problems?: unknown }).problems, undefined, name)
  })
})
