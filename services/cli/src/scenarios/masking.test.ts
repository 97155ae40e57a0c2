/** Invariant 9 from the upstream's bytes to the agent's, for every encoding and any chunking; and nothing that was masked is written back. */
import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { secretsInFiles } from '../testing/secret-search.ts'
import { ALLOW, ASK_FOR_ACCESS, CUSTOMERS, oneMoreViewer, PROJECT_POLICY, TOPIC } from '../testing/calls.ts'
import type { TestAgent } from '../testing/agent-client.ts'
import { runCommand } from '../testing/run-command.ts'
import { policyText } from '../testing/gateway-files.ts'
import { startOddUpstream, type OddUpstream } from '../testing/odd-upstream.ts'
import { startTestGateway, type TestGateway } from '../testing/test-gateway.ts'

const MASK = ['personal-data', 'secrets']
const PEOPLE = Array.from({ length: 400 }, (_, index) => `person.${index}@customers.example.com`)
/** In values, in keys, escaped, in JSON inside a string, and in a field that is masked by its path. */
const BODY = Buffer.from(JSON.stringify({
  rows: PEOPLE.map((email, index) => ({ email, [email]: index, card: '4111 1111 1111 1111', internal: { salary: `secret-${index}` } })),
  nested: JSON.stringify({ contact: 'nested@customers.example.com' }), escaped: 'ESCAPED',
}).replace('ESCAPED', 'esc\\u0061ped\\u0040customers.example.com'))
const HIDDEN = /@customers\.example|4111 1111|secret-\d|u0040customers/
const MARKER = '[lockkeeper:masked:email]'

describe('scenario: masking', () => {
  let odd: OddUpstream
  let test: TestGateway
  let agent: TestAgent
  before(async () => {
    odd = await startOddUpstream(BODY)
    test = await startTestGateway({
      policies: [
        { ...ASK_FOR_ACCESS, mask: MASK }, { name: 'reports', methods: ['http.get'], effect: 'allow', mask: MASK }, { name: 'salaries', methods: ['http.get'], effect: 'allow', fields: ['rows[].internal.salary'] },
        { name: 'files', methods: ['storage.objects.*', 'bigquery.*'], effect: 'allow', mask: MASK }, { ...ALLOW, methods: ['read', 'change'] },
      ],
      config: ({ upstream }) => ({ targets: [
        { name: 'google', hosts: ['*.googleapis.com'], upstream, credential: { secret: 'sandbox-upstream' } },
        { name: 'reports', hosts: ['reports.example.com'], upstream: odd.origin, credential: { none: true } },
      ] }),
    })
    agent = await test.agent('reader')
  })
  after(async () => {
    try {
      await test.close()
    } finally {
      await odd.close()
    }
  })

  const READABLE = ['plain', 'split/1', 'split/2', 'split/7', 'split/64', 'split/1000', 'encoded/gzip', 'encoded/gzip/1', 'encoded/gzip/13', 'encoded/deflate', 'encoded/br', 'encoded/br/3']
  it('invariant 9: no byte of a masked value leaves, and the masked answer is the same for any compression and chunking', async () => {
    const whole = await agent.get('reports.example.com/plain')
    const rows = whole.json<{ rows: readonly Record<string, unknown>[], nested: string, escaped: string }>()
    assert.deepEqual([rows.rows.length, rows.rows[0]?.['email'], rows.escaped, JSON.parse(rows.nested)], [400, MARKER, MARKER, { contact: MARKER }])
    for (const path of READABLE) {
      const answer = await agent.get(`reports.example.com/${path}`)
      assert.doesNotMatch(answer.text, HIDDEN, path)
      assert.deepEqual([answer.status, answer.text, answer.headers['content-encoding']], [200, whole.text, undefined], path)
    }
  })

  for (const [path, what] of [['unknown', 'in an encoding that is not known'], ['image', 'that cannot be inspected'], ['broken', 'whose compression breaks off']] as const) {
    it(`invariant 9: an answer ${what} is refused, not passed on`, async () => {
      const outcome = await agent.get(`reports.example.com/${path}`).then(({ text, reason }) => ({ text, reason }), (error: Error) => ({ text: error.message, reason: 'cut' }))
      assert.doesNotMatch(outcome.text, HIDDEN)
      assert.ok(['CANNOT_MASK', 'UPSTREAM_INVALID', 'cut'].includes(outcome.reason ?? ''), outcome.text.slice(0, 300))
    })
  }

  it('invariant 9: records and stored bodies hold the masked form only', async () => {
    await agent.get(CUSTOMERS)
    const found = (await test.outcomes()).findLast(({ method }) => method === 'storage.objects.list')
    assert.ok((found?.masked ?? 0) > 0)
    const view = await test.gateway.audit.queries.show(found?.id ?? '')
    assert.match(view?.response?.text ?? '', /\[lockkeeper:masked:email/)
    assert.deepEqual(await secretsInFiles(join(test.loaded.directory, '.lockkeeper'), { mira: 'mira.holt@customers.example.com', row: PEOPLE[7] as string }), [])
  })

  it('invariant 9: a receipt is masked as the answer was', async () => {
    const changer = await test.agent('changer')
    const change = oneMoreViewer(test, 'user:new@sandbox.example.com')
    const waiting = changer.post(`${PROJECT_POLICY}:setIamPolicy`, change)
    const approval = await test.decide('changer', 'approve')
    const [first, again] = [await waiting, await changer.post(`${PROJECT_POLICY}:setIamPolicy`, change)]
    assert.deepEqual([first.status, again.headers['x-lockkeeper-receipt'], again.text], [200, approval, first.text])
    assert.match(first.text, /user:\[lockkeeper:masked:email/)
    assert.doesNotMatch(first.text, /@sandbox\.example\.com/)
  })

  it('invariant 9: a marker written back is refused wherever it stands, so that masking destroys nothing', async () => {
    const dialled = test.upstream.requests.total
    const tries = [
      agent.post(`${TOPIC}:publish`, { messages: [{ attributes: { contact: MARKER } }] }),
      agent.post(`${TOPIC}:publish`, { messages: [{ attributes: { [MARKER]: 'x' } }] }),
      agent.post(`${PROJECT_POLICY}:setIamPolicy`, { policy: { bindings: [{ role: 'roles/viewer', members: [`user:${MARKER}`] }] } }),
      agent.call('PATCH', 'storage.googleapis.com/storage/v1/b/customer-exports/o/README.txt', { body: { metadata: { reviewer: MARKER } } }),
      agent.call('DELETE', `storage.googleapis.com/storage/v1/b/customer-exports/o/${encodeURIComponent(`profiles/${MARKER}.json`)}`),
      agent.get(`storage.googleapis.com/storage/v1/b/customer-exports/o?prefix=${encodeURIComponent(MARKER)}`),
    ]
    assert.deepEqual((await Promise.all(tries)).map(({ status, reason }) => [status, reason]), tries.map(() => [400, 'MASKED_VALUE_WRITTEN']))
    assert.equal(test.upstream.requests.total, dialled)
  })

  it('invariant 9: a download of a masked method comes without range, checksums and etag of the unmasked bytes', async () => {
    const answer = await agent.get('storage.googleapis.com/storage/v1/b/customer-exports/o/README.txt?alt=media', { headers: { range: 'bytes=0-20' } })
    assert.deepEqual([answer.status, answer.text], [200, `name,email\nsandbox row,${MARKER}\n`])
    for (const name of ['etag', 'x-goog-hash', 'content-range', 'x-goog-stored-content-length', 'digest', 'content-md5']) assert.equal(answer.headers[name], undefined, name)
    assert.equal(answer.headers['content-length'], String(answer.body.length))
  })

  it('policy check warns where a getter is masked and its setter may be called', async () => {
    const folder = join(test.loaded.directory, 'doubtful')
    await mkdir(folder)
    await writeFile(join(folder, 'pair.yaml'), policyText([{ name: 'look', methods: ['cloudresourcemanager.projects.getIamPolicy'], effect: 'allow', mask: ['personal-data'] }, { name: 'write', methods: ['cloudresourcemanager.projects.setIamPolicy'], effect: 'approve' }]))
    const { code, out } = await runCommand(['policy', 'check', folder])
    assert.equal(code, 0)
    assert.match(out, /warning: .*pair\.yaml:\d+.*masks what cloudresourcemanager\.projects\.getIamPolicy reads/)
  })
})
