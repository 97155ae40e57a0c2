import assert from 'node:assert/strict'
import { fileURLToPath } from 'node:url'
import { loadServiceSettings } from '@lockkeeper/service-kit/server'
import { notifierCloudSettingsSchema, notifierProblems } from './cloud-settings.ts'

describe('notifier: settings of the Google Cloud edition', () => {
  it('the example is sound', () => {
    const file = fileURLToPath(new URL('../../../docs/examples/google-cloud/notifier.yaml', import.meta.url))
    const loaded = loadServiceSettings(notifierCloudSettingsSchema, { LOCKKEEPER_CONFIG: file }, notifierProblems)
    assert.deepEqual('problems' in loaded && loaded.problems, false)
  })
})
