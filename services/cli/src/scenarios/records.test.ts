/** Invariant 8: a session as it happened, and a log that an auditor checks elsewhere and in which no change goes unnoticed. */
import assert from 'node:assert/strict'
import { cp, mkdtemp, readdir, readFile, rm, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ACCOUNT, BUCKETS, CUSTOMERS, message, oneMoreViewer, PROJECT_POLICY, TOPIC } from '../testing/calls.ts'
import type { TestAgent } from '../testing/agent-client.ts'
import { runCommand } from '../testing/run-command.ts'
import { startTestGateway, type TestGateway } from '../testing/test-gateway.ts'

describe('scenario: the log', () => {
  let test: TestGateway
  let agent: TestAgent
  let exported: string
  let keys: string
  before(async () => {
    test = await startTestGateway()
    agent = await test.agent('recorded', { run: 'a-run' })
    exported = join(await mkdtemp(join(tmpdir(), 'lockkeeper-evidence-')), 'evidence')
    keys = join(exported, '..', 'trusted.json')
  })
  after(async () => {
    await test.close()
    await rm(join(exported, '..'), { recursive: true, force: true })
  })

  it('invariant 8: a session holds every step of one run in order: reads, refusals, the approval with who decided, the answer and the receipt', async () => {
    const bystander = await test.agent('bystander')
    await agent.get(BUCKETS)
    await agent.get(CUSTOMERS)
    await agent.call('DELETE', 'storage.googleapis.com/storage/v1/b/old-backups')
    await bystander.get(BUCKETS)
    await agent.post(`${ACCOUNT}/keys`, {})
    await agent.get('evil.example.com/x')
    const change = oneMoreViewer(test, 'user:new.hire@sandbox.example.com')
    const waiting = agent.post(`${PROJECT_POLICY}:setIamPolicy`, change)
    const approval = await test.decide('recorded', 'approve', 'ticket 7')
    assert.equal((await waiting).status, 200)
    assert.equal((await agent.post(`${PROJECT_POLICY}:setIamPolicy`, change)).headers['x-lockkeeper-receipt'], approval)
    await agent.post(`${TOPIC}:publish`, message('last'))
    assert.equal((await test.outcomes()).length, test.heard.sent)
    await test.gateway.audit.flush()
    const { steps, agents } = await test.gateway.audit.queries.session('a-run', { bodies: true })
    assert.deepEqual(agents, ['recorded'])
    const told = steps.flatMap(({ records }) => records).flatMap((record) => record.kind === 'outcome' && record.origin === 'agent' ? [`${record.method ?? record.host} ${record.result}${record.reason === undefined ? '' : ` ${record.reason}`}`] : record.kind === 'event' ? [record.name] : [])
    assert.deepEqual(told.filter((text) => !text.startsWith('approval.')), [
      'storage.buckets.list answered', 'storage.objects.list answered', 'storage.buckets.delete refused POLICY_DENIED', 'iam.projects.serviceAccounts.keys.create refused MINTS_CREDENTIAL',
      'evil.example.com refused TARGET_UNKNOWN', 'cloudresourcemanager.projects.setIamPolicy answered', 'cloudresourcemanager.projects.setIamPolicy receipt', 'pubsub.projects.topics.publish answered',
    ])
    assert.deepEqual(told.filter((text) => text.startsWith('approval.')), ['approval.requested', 'approval.approved', 'approval.claimed', 'approval.completed'])
    const decided = steps.flatMap(({ records }) => records).find((record) => record.kind === 'event' && record.name === 'approval.approved')
    assert.ok(JSON.stringify(decided).includes('ada'), 'the log names who approved')
    const changed = steps.find(({ records }) => records.some((record) => record.kind === 'outcome' && record.result === 'answered' && record.method?.endsWith('setIamPolicy')))
    assert.ok(changed?.request?.text?.includes('bindings') === true && changed.response?.text !== undefined)
  })

  it('invariant 14: every record states its mode and the isolation level', async () => {
    const records = await test.records()
    assert.ok(records.every(({ mode, isolation }) => mode === 'sandbox' && isolation === 'none'))
  })

  it('invariant 8: an exported log verifies without the gateway, with keys that are kept elsewhere', async () => {
    await test.gateway.audit.queries.exportLog(exported)
    await writeFile(keys, JSON.stringify(test.gateway.audit.trustedKeys))
    for (const args of [['audit', 'verify', exported], ['audit', 'verify', exported, '--keys', keys]]) {
      const { code, out } = await runCommand(args)
      assert.equal(code, 0, out)
      assert.match(out, /^verified: \d+ records/m)
    }
    const report = JSON.parse((await runCommand(['audit', 'verify', exported, '--json'])).out) as { ok: boolean, uncovered: number, records: number }
    assert.deepEqual([report.ok, report.uncovered], [true, 0])
    assert.ok(report.records >= 15)
  })

  const segments = async (copy: string): Promise<readonly string[]> => (await readdir(join(copy, 'segments'))).sort().map((name) => join(copy, 'segments', name))
  const change = async (file: string | undefined, edit: (text: string) => string): Promise<void> => {
    const before = await readFile(file ?? '', 'latin1')
    const after = edit(before)
    assert.notEqual(after, before, 'the tampering changes something')
    await writeFile(file ?? '', after, 'latin1')
  }
  const holding = async (copy: string, text: string): Promise<string | undefined> => {
    for (const file of await segments(copy)) if ((await readFile(file, 'latin1')).includes(text)) return file
    return undefined
  }
  const TAMPERING: Readonly<Record<string, (copy: string) => Promise<void>>> = {
    'a refusal that reads as an answer': async (copy) => change(await holding(copy, 'MINTS_CREDENTIAL'), (text) => text.replace('"refused"', '"answered"')),
    'another agent\'s name': async (copy) => change(await holding(copy, 'bystander'), (text) => text.replaceAll('bystander', 'recorded_')),
    'a line that is gone': async (copy) => change(await holding(copy, 'evil.example.com'), (text) => text.split('\n').filter((line) => !line.includes('evil.example.com')).join('\n')),
    'two lines that changed places': async (copy) => change((await segments(copy))[0], (text) => {
      const lines = text.split('\n')
      const at = lines.findIndex((line, index) => index > 0 && line.startsWith('{') && lines[index + 1]?.startsWith('{') === true)
      return [...lines.slice(0, at), lines[at + 1], lines[at], ...lines.slice(at + 2)].join('\n')
    }),
    'a segment that is gone from the middle': async (copy) => unlink((await segments(copy))[1] ?? ''),
    'a log that ends early': async (copy) => unlink((await segments(copy)).at(-1) ?? ''),
    'one bit': async (copy) => change((await segments(copy))[0], (text) => text.slice(0, 400) + String.fromCharCode(text.charCodeAt(400) ^ 1) + text.slice(401)),
    'a segment said twice': async (copy) => {
      const all = await segments(copy)
      await cp(all[0] ?? '', (all.at(-1) ?? '').replace(/(\d)(\D*)$/, (_all, digit: string, rest: string) => `${(Number(digit) + 1) % 10}${rest}`))
    },
  }
  for (const [what, tamper] of Object.entries(TAMPERING)) {
    it(`invariant 8: the offline verifier notices ${what}`, async () => {
      const copy = await mkdtemp(join(tmpdir(), 'lockkeeper-tampered-'))
      try {
        await cp(exported, copy, { recursive: true })
        await tamper(copy)
        const { code, out } = await runCommand(['audit', 'verify', copy, '--keys', keys])
        assert.equal(code, 1, out)
        assert.match(out, /PROBLEM/)
      } finally {
        await rm(copy, { recursive: true, force: true })
      }
    })
  }
})
