import assert from 'node:assert/strict'
import { fileURLToPath } from 'node:url'
import { loadServiceSettings } from '@lockkeeper/service-kit/server'
import { auditCloudSettingsSchema } from './cloud-settings.ts'

describe('audit: settings of the Google Cloud edition', () => {
  it('the example is sound', () => {
    const file = fileURLToPath(new URL('../../../docs/examples/google-cloud/audit.yaml', import.meta.url))
    const loaded = loadServiceSettings(auditCloudSettingsSchema, { LOCKKEEPER_CONFIG: file })
    assert.deepEqual('problems' in loaded && loaded.problems, false)
  })
})
