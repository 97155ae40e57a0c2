import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { loadServiceSettings } from '@lockkeeper/service-kit/server'
import { tempDir } from '@lockkeeper/testkit'
import { proxyProblems, proxySettingsSchema } from './cloud-settings.ts'

const EXAMPLES = fileURLToPath(new URL('../../../docs/examples/google-cloud/', import.meta.url))

describe('proxy: settings of the Google Cloud edition', () => {
  const directory = tempDir()
  const example = readFileSync(join(EXAMPLES, 'proxy.yaml'), 'utf8')
  const problems = (text: string): readonly string[] => {
    writeFileSync(join(directory, 'people.yaml'), readFileSync(join(EXAMPLES, 'people.yaml')))
    const file = join(directory, 'proxy.yaml')
    writeFileSync(file, text)
    const loaded = loadServiceSettings(proxySettingsSchema, { LOCKKEEPER_CONFIG: file }, proxyProblems)
    return 'problems' in loaded ? loaded.problems.map(({ path }) => path) : []
  }

  it('the example is sound', () => assert.deepEqual(problems(example), []))

  const WRONG: Readonly<Record<string, readonly [string, string, string]>> = {
    'invariant 14: a plain http address of the approval service, where an ID token goes': ['"https://approval', '"http://approval', 'approval.origin'],
    'invariant 14: a plain http issuer of agents': ['issuer: https://token', 'issuer: http://token', 'issuers.0.issuer'],
    'invariant 14: a credential for a plain http upstream': ['hosts: ["*.googleapis.com"]', 'hosts: ["*.googleapis.com"]\n    upstream: http://10.0.0.1', 'targets.0.upstream'],
    'no door': ['doors: { path: true, domain: gw.acme.example }', 'doors: { path: false }', 'doors'],
    'a file of one machine as trust': ['hosts: ["*.googleapis.com"]', 'hosts: ["*.googleapis.com"]\n    certificateAuthority: ca.pem', 'targets.0.certificateAuthority'],
    'people that are not there': ['people: people.yaml', 'people: nobody.yaml', 'people'],
    'no key that signs policies': [/policyKeys:[^]*?(?=secrets:)/.exec(example)?.[0] ?? '', 'policyKeys: []\n', 'policyKeys'],
  }
  for (const [title, [from, to, path]] of Object.entries(WRONG)) {
    it(`${title} is refused`, () => {
      assert.ok(example.includes(from))
      assert.deepEqual(problems(example.replace(from, to)), [path])
    })
  }
})
