import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { loadServiceSettings } from '@lockkeeper/service-kit/server'
import { tempDir } from '@lockkeeper/testkit'
import { consoleCloudSettingsSchema, consoleProblems } from './cloud-settings.ts'

describe('console: settings of the Google Cloud edition', () => {
  it('the example is sound', () => {
    const file = fileURLToPath(new URL('../../../docs/examples/google-cloud/console.yaml', import.meta.url))
    const loaded = loadServiceSettings(consoleCloudSettingsSchema, { LOCKKEEPER_CONFIG: file }, consoleProblems)
    assert.deepEqual('problems' in loaded && loaded.problems, false)
  })

  it('everything that is wrong is named at once', () => {
    const directory = tempDir()
    const file = join(directory, 'console.yaml')
    writeFileSync(file, JSON.stringify({
      apiVersion: 'lockkeeper.dev/v1', kind: 'Console', mode: 'real', project: 'acme-gateway', database: 'console', origin: 'http://console.acme.example', people: 'none.yaml',
      approverIssuers: [{ name: 'console', issuer: 'https://login.acme.example', audience: 'lockkeeper-approvals' }],
      signIn: [{ issuer: 'console', clientId: 'another', clientSecret: 'x' }, { issuer: 'nobody', clientId: 'y' }],
      services: { approval: 'http://approval', audit: 'https://audit.acme.example' }, identity: { metadata: true },
    }))
    const loaded = loadServiceSettings(consoleCloudSettingsSchema, { LOCKKEEPER_CONFIG: file }, consoleProblems)
    const paths = 'problems' in loaded ? loaded.problems.map(({ path }) => path) : []
    assert.deepEqual([...new Set(paths)].sort(), ['origin', 'people', 'secrets', 'services.approval', 'signIn.0.clientId', 'signIn.1.issuer'])
  })
})
