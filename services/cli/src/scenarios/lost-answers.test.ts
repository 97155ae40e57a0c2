/** Invariant 5 where the upstream has done what was approved and breaks off: the whole gateway against the sandbox. */
import assert from 'node:assert/strict'
import { isRefusal } from '@lockkeeper/domain/errors'
import type { LoggedRequest } from '@lockkeeper/sandbox'
import { startTestGateway, type TestGateway } from '../testing/test-gateway.ts'

const INSTANCE = 'compute.googleapis.com/compute/v1/projects/sandbox-project/zones/europe-west1-b/instances/build-1'
const JOBS = 'bigquery.googleapis.com/bigquery/v2/projects/sandbox-project/jobs'
const BUCKET = 'storage.googleapis.com/storage/v1/b/agent-workspace'

describe('scenario: answers that are lost', () => {
  let test: TestGateway
  before(async () => {
    test = await startTestGateway({ policies: [{ name: 'changes', methods: ['change'], effect: 'approve', approval: { reviewers: ['group:approvers'] } }, { name: 'rest', methods: ['*'], effect: 'allow' }] })
  })
  after(() => test.close())

  for (const [name, verb, path, body, evidence] of [
    ['machine', 'DELETE', INSTANCE, undefined, /compute\.zoneOperations\.list at .*: there is an operation of the request/],
    ['job', 'POST', JOBS, { configuration: { query: { query: 'SELECT email FROM crm.customers', useLegacySql: false } } }, /bigquery\.jobs\.get at .*: there is a job lockkeeper_/],
    ['bucket', 'PATCH', BUCKET, { labels: { team: 'ops' } }, /storage\.buckets\.get at .*: it has been changed once/],
  ] as const) {
    it(`invariant 5: ${name}: what has run is found, the agent gets its answer, and it ran once`, async () => {
      const agent = await test.agent(name)
      const isTheCall = ({ method, path: sent, headers }: LoggedRequest): boolean => method === verb && sent.split('?')[0] === path.slice(path.indexOf('/')) && headers['user-agent'] !== 'lockkeeper-own-read'
      test.upstream.fail({ match: isTheCall, kind: 'reset-after' })
      const waiting = agent.call(verb, path, body === undefined ? {} : { body })
      const approval = await test.decide(name, 'approve')
      const answer = await waiting
      assert.equal(answer.status, 200, answer.text)
      const again = await agent.call(verb, path, body === undefined ? {} : { body })
      assert.deepEqual([again.status, again.text, test.upstream.requests.list().filter(isTheCall).length], [200, answer.text, 1])
      const shown = await test.gateway.approval.admin.show(approval)
      assert.ok(!isRefusal(shown))
      assert.equal(shown.approval.state, 'answered')
      assert.match(shown.approval.reason ?? '', evidence)
    })
  }
})
