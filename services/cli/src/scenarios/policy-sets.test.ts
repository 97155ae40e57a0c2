/** Policies and targets as whole sets: pushed, pulled, compared and taken back by command, in force at the gateway at once. */
import assert from 'node:assert/strict'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { adminRoutes } from '../admin/admin-routes.ts'
import { openAdminServer, type AdminServer } from '../admin/admin-server.ts'
import { BUCKETS } from '../testing/calls.ts'
import type { TestAgent } from '../testing/agent-client.ts'
import { policyText } from '../testing/gateway-files.ts'
import { runCommand, type CommandResult } from '../testing/run-command.ts'
import { startTestGateway, type TestGateway } from '../testing/test-gateway.ts'

const READS = policyText([{ name: 'reads', methods: ['storage.buckets.list'], effect: 'allow' }])
const CLOSED = policyText([{ name: 'reads', methods: ['storage.buckets.list'], effect: 'deny' }])
const CASES = `apiVersion: lockkeeper.dev/v1
kind: PolicyCases
cases:
  - description: buckets are listed
    agent: { issuer: sandbox, id: steady }
    call: { curl: 'curl https://storage.googleapis.com/storage/v1/b?project=p' }
    want: { effect: allow }
`

describe('scenario: pushed policy sets', () => {
  let test: TestGateway
  let admin: AdminServer
  let agent: TestAgent
  let folder: string
  let targets: string
  before(async () => {
    test = await startTestGateway({ config: { policies: { pushed: true }, targets: [], doors: { path: true } } })
    const { gateway, loaded } = test
    admin = await openAdminServer(join(gateway.directory, 'admin.sock'), adminRoutes(gateway, loaded, 'none'))
    agent = await test.agent('steady')
    folder = join(loaded.directory, 'set')
    targets = `apiVersion: lockkeeper.dev/v1\nkind: Targets\ntargets:\n  - { name: google, hosts: ["*.googleapis.com"], upstream: "${test.upstream.origin}", credential: { secret: sandbox-upstream } }\n`
    await mkdir(folder)
    await writeFile(join(folder, 'scenario.yaml'), READS)
    await writeFile(join(folder, 'scenario.cases.yaml'), CASES)
    await writeFile(join(folder, 'targets.yaml'), targets)
  })
  after(async () => {
    await admin.close()
    await test.close()
  })

  const policy = (...args: readonly string[]): Promise<CommandResult> => runCommand(['policy', ...args], admin.path)
  const done = async (...args: readonly string[]): Promise<string> => {
    const { code, out, err } = await policy(...args)
    assert.equal(code, 0, `${args.join(' ')}: ${out}${err}`)
    return out
  }
  const fails = async (wanted: RegExp, ...args: readonly string[]): Promise<void> => {
    const { code, out, err } = await policy(...args)
    assert.equal(code, 1, out)
    assert.match(out + err, wanted)
  }
  /** Until the gateway answers so; how many ms that took. */
  const until = async (wanted: string): Promise<number> => {
    const from = performance.now()
    for (;;) {
      const { status, reason } = await agent.get(BUCKETS)
      if ((status === 200 ? 'none' : reason) === wanted) return performance.now() - from
      assert.ok(performance.now() - from < 5_000, `still ${reason}`)
    }
  }

  it('invariant 10: before anything was pushed every call is refused', async () => {
    assert.equal((await agent.get(BUCKETS)).reason, 'POLICY_STALE')
    await fails(/nothing is in force/, 'pull', '--folder', join(folder, '..', 'empty'))
  })

  it('a dry run publishes nothing; the push after it is in force within a second', async () => {
    assert.match(await done('push', '--folder', folder, '--dry-run'), /\+ scenario\/reads: allow storage\.buckets\.list[\s\S]*1 cases passed; nothing was published/)
    assert.equal((await agent.get(BUCKETS)).reason, 'POLICY_STALE')
    assert.match(await done('push', '--folder', folder, '--note', 'the first'), /in force: set 1, 1 rules, 1 cases passed/)
    assert.ok(await until('none') < 1_000)
    assert.match(await done('push', '--folder', folder), /set 1 is the same/)
  })

  it('a set whose cases fail is refused and leaves the old one in force', async () => {
    await writeFile(join(folder, 'scenario.yaml'), CLOSED)
    await fails(/scenario\.cases\.yaml:4: case fails: buckets are listed: wanted allow, got deny by scenario\/reads/, 'push', '--folder', folder)
    assert.equal((await agent.get(BUCKETS)).status, 200)
  })

  it('a comparison says in words what rules and which decisions change', async () => {
    const out = await done('diff', '--folder', folder)
    assert.match(out, /~ scenario\/reads: effect: allow → deny/)
    assert.match(out, /decision: buckets are listed \(scenario\.cases\.yaml\): allow by scenario\/reads → deny by scenario\/reads/)
    const { rules, decisions } = JSON.parse(await done('diff', '--folder', folder, '--json')) as { rules: unknown[], decisions: unknown[] }
    assert.equal(rules.length, 1)
    assert.ok(decisions.length >= 1)
  })

  it('what was pushed by another is not written over unseen', async () => {
    const other = join(test.loaded.directory, 'other')
    await done('pull', '--folder', other)
    assert.equal(await readFile(join(other, 'scenario.yaml'), 'utf8'), READS)
    await writeFile(join(other, 'scenario.yaml'), CLOSED)
    await rm(join(other, 'scenario.cases.yaml'))
    assert.match(await done('push', '--folder', other), /no cases[\s\S]*in force: set 2/)
    assert.ok(await until('POLICY_DENIED') < 1_000)
    await writeFile(join(folder, 'scenario.yaml'), READS)
    await fails(/The set to be replaced \(1\) is not in force: set 2 by[\s\S]*scenario\/reads changed: effect: allow → deny/, 'push', '--folder', folder)
    await rm(join(folder, '.policy-set'))
    await fails(/set 2 by .* is in force, and .* was not pulled from it/, 'push', '--folder', folder)
    await fails(/holds files that were not pulled/, 'pull', '--folder', folder)
  })

  it('an earlier set comes back as a new one', async () => {
    await done('push', '--version', '1', '--replaces', '2', '--note', 'back')
    assert.ok(await until('none') < 1_000)
    assert.match(await done('versions'), /^SET[\s\S]*\n3 .*back\n2 .*\n1 .*the first/)
    const { versions } = JSON.parse(await done('versions', '--json')) as { versions: { number: number, by: string }[] }
    assert.deepEqual(versions.map(({ number }) => number), [3, 2, 1])
    assert.ok(versions.every(({ by }) => by.includes('admin socket')))
  })

  it('targets of a set swap with it: a host that is left out is refused', async () => {
    await writeFile(join(folder, 'targets.yaml'), targets.replace('*.googleapis.com', 'bigquery.googleapis.com'))
    assert.match(await done('diff', '--folder', folder), /targets changed: google/)
    await done('push', '--folder', folder, '--replaces', '3')
    assert.ok(await until('TARGET_UNKNOWN') < 1_000)
    await done('push', '--version', '3', '--replaces', '4')
    assert.ok(await until('none') < 1_000)
  })

  it('a set without targets is refused where the gateway has no others', async () => {
    await rm(join(folder, 'targets.yaml'))
    await fails(/takes its targets from it/, 'push', '--folder', folder, '--replaces', '5')
  })

  it('who pushed what stands in the log', async () => {
    const events = (await test.records()).flatMap((record) => record.kind === 'event' ? [record] : [])
    assert.ok(events.filter(({ name }) => name === 'policy.published').length >= 3)
    const [first] = events.filter(({ name }) => name === 'target.changed')
    assert.match(first?.text ?? '', /added google; removed none; changed none/)
    assert.match(first?.who ?? '', /admin socket/)
  })

  it('what another has written into a set reaches no terminal as a command to it', async () => {
    await writeFile(join(folder, 'targets.yaml'), targets)
    await writeFile(join(folder, 'scenario.yaml'), policyText([{ name: 'reads', methods: ['storage.buckets.list'], effect: 'allow', message: 'x\u001b]0;owned\u0007' }]))
    assert.ok(!(await done('diff', '--folder', folder)).includes('\u001b'))
    await done('push', '--folder', folder, '--replaces', '5')
    const { out, err } = await policy('push', '--folder', folder, '--replaces', '5')
    assert.match(err, /message: none → x/)
    assert.ok(!(out + err).includes('\u001b'))
  })

  it('numbers that are none are wrong use', async () => {
    assert.equal((await policy('push', '--version', 'x')).code, 2)
    assert.equal((await policy('push', '--replaces', '-1')).code, 2)
  })
})

describe('scenario: targets beside the policies', () => {
  it('a targets.yaml in the folder is watched: what it leaves out is refused within a second, what is broken changes nothing', async () => {
    const files: Record<string, string> = { 'scenario.yaml': READS }
    const test = await startTestGateway({
      policies: files,
      config: ({ upstream }) => {
        files['targets.yaml'] = targetsText(upstream, '*.googleapis.com')
        return { targets: [] }
      },
    })
    const agent = await test.agent('steady')
    assert.equal((await agent.get(BUCKETS)).status, 200)
    const file = join(test.loaded.directory, 'policies', 'targets.yaml')
    const turn = async (text: string): Promise<void> => {
      await writeFile(file, text)
      await test.gateway.policy.scan()
    }
    await turn('targets: [')
    assert.match(test.gateway.policy.status().problems[0]?.file ?? '', /targets\.yaml/)
    assert.equal((await agent.get(BUCKETS)).status, 200)
    await turn(targetsText(test.upstream.origin, 'bigquery.googleapis.com'))
    const from = performance.now()
    while ((await agent.get(BUCKETS)).reason !== 'TARGET_UNKNOWN') assert.ok(performance.now() - from < 1_000)
    await test.close()
  })
})

function targetsText(upstream: string, host: string): string {
  return `apiVersion: lockkeeper.dev/v1\nkind: Targets\ntargets:\n  - { name: google, hosts: ["${host}"], upstream: "${upstream}", credential: { secret: sandbox-upstream } }\n`
}
