import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { loadServiceSettings } from '@lockkeeper/service-kit/server'
import { tempDir } from '@lockkeeper/testkit'
import { describe, it } from 'mocha'
import { approvalProblems, approvalSettingsSchema } from './cloud-settings.ts'

const EXAMPLES = fileURLToPath(new URL('../../../docs/examples/google-cloud/', import.meta.url))

describe('approval: settings of the Google Cloud edition', () => {
  const directory = tempDir()
  const example = readFileSync(join(EXAMPLES, 'approval.yaml'), 'utf8')
  const problems = (text: string): readonly string[] => {
    writeFileSync(join(directory, 'people.yaml'), readFileSync(join(EXAMPLES, 'people.yaml')))
    const file = join(directory, 'approval.yaml')
    writeFileSync(file, text)
    const loaded = loadServiceSettings(approvalSettingsSchema, { LOCKKEEPER_CONFIG: file }, approvalProblems)
    return 'problems' in loaded ? loaded.problems.map(({ path }) => path) : []
  }

  it('the example is sound', () => assert.deepEqual(problems(example), []))

  const WRONG: Readonly<Record<string, readonly [string, string, string]>> = {
    'nobody who may claim': ['allowed: [proxy@acme-gateway.iam.gserviceaccount.com]', 'allowed: []', 'proxies.allowed'],
    'invariant 7: several pushers': ['account: pusher-approval@acme-gateway.iam.gserviceaccount.com', 'account: [a@b.example, c@d.example]', 'pusher.account'],
    'an origin with a path, so that audiences would be others': ['origin: https://approval-abc123-ew.a.run.app', 'origin: https://approval-abc123-ew.a.run.app/x', 'pusher.origin'],
    'invariant 14: a plain http issuer of approvers': ['"https://login', '"http://login', 'approverIssuers.0.issuer'],
    'a class that no click may decide': ['signingSecret: slack-signing', 'signingSecret: slack-signing, decides: [critical]', 'slack.decides.0'],
    'people that are not there': ['people: people.yaml', 'people: nobody.yaml', 'people'],
    'invariant 14: self-approval': ['kind: Approval', 'kind: Approval\nselfApproval: true', 'selfApproval'],
  }
  for (const [title, [from, to, path]] of Object.entries(WRONG)) {
    it(`${title} is refused`, () => {
      assert.ok(example.includes(from))
      assert.deepEqual(problems(example.replace(from, to)), [path])
    })
  }
})
