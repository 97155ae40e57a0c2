/** The commands over the admin socket: what they do, exit codes 0, 1 and 2, JSON that parses, help with an example for each. */
import assert from 'node:assert/strict'
import { rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { adminRoutes, sandboxRoutes } from '../admin/admin-routes.ts'
import { openAdminServer, type AdminServer } from '../admin/admin-server.ts'
import { buildProgram } from '../main.ts'
import { ALLOW, ASK_TO_PUBLISH, BUCKETS, message, published, TOPIC } from '../testing/calls.ts'
import type { TestAgent } from '../testing/agent-client.ts'
import { runCommand, type CommandResult } from '../testing/run-command.ts'
import { startTestGateway, type TestGateway } from '../testing/test-gateway.ts'

describe('scenario: commands', () => {
  let test: TestGateway
  let admin: AdminServer
  let agent: TestAgent
  before(async () => {
    test = await startTestGateway({ policies: [ASK_TO_PUBLISH, { ...ALLOW, methods: ['read'] }] })
    const { gateway, loaded, idp, upstream } = test
    admin = await openAdminServer(join(gateway.directory, 'admin.sock'), [sandboxRoutes({ idp, upstream, loaded, credentials: {}, directory: loaded.directory, close: () => Promise.resolve() }), ...adminRoutes(gateway, loaded, 'none')])
    agent = await test.agent('commanded', { run: 'run-7' })
    await agent.get(BUCKETS)
  })
  after(async () => {
    await admin.close()
    await test.close()
  })

  const lockkeeper = (...args: readonly string[]): Promise<CommandResult> => runCommand(args, admin.path)
  const json = async <T>(...args: readonly string[]): Promise<T> => {
    const { code, out, err } = await lockkeeper(...args, '--json')
    assert.equal(code, 0, err)
    return JSON.parse(out) as T
  }
  const fails = async (code: 1 | 2, wanted: RegExp, ...args: readonly string[]): Promise<void> => {
    const result = await lockkeeper(...args)
    assert.equal(result.code, code, `${args.join(' ')}: ${result.out}${result.err}`)
    assert.match(result.err, wanted, args.join(' '))
  }

  it('invariant 12: the admin socket is its owner\'s alone (level none: an agent of the same user is not kept away)', async () => {
    assert.equal((await stat(admin.path)).mode & 0o777, 0o600)
    assert.equal((await stat(test.gateway.directory)).mode & 0o777, 0o700)
  })

  it('approvals list, show and approve: the call runs', async () => {
    const before = published(test)
    const waiting = agent.post(`${TOPIC}:publish`, message('by command'), { headers: { 'x-goog-request-reason': 'the customer asked' } })
    const { approval } = await test.facts.next('approval.requested', 'commanded')
    const list = await lockkeeper('approvals', 'list')
    assert.match(list.out, new RegExp(`SANDBOX[\\s\\S]*${approval}\\s+pending.*commanded.*pubsub\\.projects\\.topics\\.publish`))
    const { approvals } = await json<{ approvals: readonly { id: string }[] }>('approvals', 'list', '--state', 'all', '--agent', 'commanded', '--run', 'run-7')
    assert.deepEqual(approvals.map(({ id }) => id), [approval])
    const card = await lockkeeper('approvals', 'show', approval)
    assert.match(card.out, /SANDBOX/i)
    assert.match(card.out, /pubsub\.projects\.topics\.publish[\s\S]*commanded/)
    assert.match(card.out, /the customer asked/)
    assert.equal((await json<{ approval: { id: string } }>('approvals', 'show', approval)).approval.id, approval)
    assert.match((await lockkeeper('approvals', 'approve', approval, '--reason', 'ticket 42')).out, new RegExp(`${approval}: approved`))
    assert.equal((await waiting).status, 200)
    assert.equal(published(test), before + 1)
    await fails(1, /./, 'approvals', 'approve', approval)
  })

  it('approvals deny and revoke: the call does not run', async () => {
    const before = published(test)
    const denied = agent.post(`${TOPIC}:publish`, message('denied by command'))
    const { approval } = await test.facts.next('approval.requested', 'commanded')
    assert.match((await lockkeeper('approvals', 'deny', approval, '--reason', 'not this week')).out, /denied/)
    assert.match((await denied).message, /not this week/)
    const revoked = agent.post(`${TOPIC}:publish`, message('revoked by command'))
    const second = await test.facts.next('approval.requested', 'commanded')
    assert.match((await lockkeeper('approvals', 'revoke', second.approval, '--reason', 'by mistake')).out, /cancelled/)
    assert.equal((await revoked).reason, 'STATE_CHANGED')
    assert.equal(published(test), before)
  })

  it('approvals: wrong ids fail, wrong use is told apart', async () => {
    await fails(1, /no approval/i, 'approvals', 'show', 'apr_none')
    await fails(1, /no approval/i, 'approvals', 'approve', 'apr_none')
    await fails(1, /state/, 'approvals', 'list', '--state', 'odd')
    await fails(2, /missing required argument/, 'approvals', 'show')
    await fails(2, /unknown option/, 'approvals', 'list', '--nothing')
    await fails(2, /required option/, 'approvals', 'revoke', 'apr_none')
    await fails(2, /unknown command/, 'approvals', 'nothing')
  })

  it('invariant 11: lock set stops an agent within a second, lock list shows it, lock lift lets it go on', async () => {
    assert.match((await lockkeeper('lock', 'set', '--agent', 'commanded', '--reason', 'odd reads', '--minutes', '5')).out, /^set: \S+ until /)
    await within(1_000, async () => (await agent.get(BUCKETS)).reason === 'AGENT_LOCKED')
    const locks = await json<readonly { id: string, reason: string, by: string }[]>('lock', 'list')
    assert.deepEqual(locks.map(({ reason }) => reason), ['odd reads'])
    assert.match(locks[0]?.by ?? '', /admin socket/)
    assert.match((await lockkeeper('lock', 'list')).out, /odd reads/)
    assert.match((await lockkeeper('lock', 'lift', locks[0]?.id ?? '', '--reason', 'looked at it')).out, /^lifted: /)
    await within(1_000, async () => (await agent.get(BUCKETS)).status === 200)
    assert.match((await lockkeeper('lock', 'list')).out, /Nothing is locked/)
    await fails(1, /./, 'lock', 'lift', 'no-such-lock', '--reason', 'x')
    await fails(2, /say what to lock/, 'lock', 'set', '--reason', 'x')
    await fails(2, /cannot be used with/, 'lock', 'set', '--everything', '--agent', 'a', '--reason', 'x')
    await fails(2, /above 0/, 'lock', 'set', '--run', 'a', '--reason', 'x', '--minutes', '-1')
    await fails(2, /required option/, 'lock', 'set', '--everything')
  })

  it('audit search, show, session, tail and verify read the same log', async () => {
    await test.outcomes()
    const { records } = await json<{ records: readonly { id: string }[] }>('audit', 'search', '--agent', 'commanded', '--method', 'storage.buckets.list', '--kind', 'outcome', '--limit', '5')
    assert.ok(records.length > 0)
    assert.match((await lockkeeper('audit', 'search', '--run', 'run-7')).out, /storage\.buckets\.list/)
    assert.match((await lockkeeper('audit', 'search', '--run', 'nobody')).out, /No such records/)
    const shown = JSON.parse((await lockkeeper('audit', 'show', records[0]?.id ?? '')).out) as { record: { id: string } }
    assert.equal(shown.record.id, records[0]?.id)
    const session = await json<{ run: string, steps: readonly unknown[] }>('audit', 'session', 'run-7', '--bodies')
    assert.ok(session.run === 'run-7' && session.steps.length > 3)
    assert.match((await lockkeeper('audit', 'session', 'run-7')).out, /publish/)
    const tail = (await lockkeeper('audit', 'tail', '--limit', '3', '--json')).out.trim().split('\n')
    assert.deepEqual(tail.map((line) => typeof (JSON.parse(line) as { id: string }).id), ['string', 'string', 'string'])
    assert.notEqual((await lockkeeper('audit', 'tail')).out, '')
    assert.equal((await json<{ ok: boolean }>('audit', 'verify')).ok, true)
    assert.match((await lockkeeper('audit', 'verify')).out, /^verified: /m)
    await fails(1, /no such record/i, 'audit', 'show', 'rec_none_1')
    await fails(1, /./, 'audit', 'search', '--from', 'yesterday-ish')
    await fails(2, /directory/, 'audit', 'verify', '--keys', 'keys.json')
  })

  it('audit export writes evidence that verifies offline, and never into a directory that holds something', async () => {
    const directory = join(test.loaded.directory, 'evidence')
    assert.match((await lockkeeper('audit', 'export', directory)).out, /exported \d+ segments/)
    assert.equal((await runCommand(['audit', 'verify', directory], '/nowhere.sock')).code, 0)
    await fails(1, /empty directory/, 'audit', 'export', directory)
    await writeFile(join(directory, 'odd.json'), '{"writers":[{}]}')
    await fails(1, /odd\.json holds no public keys/, 'audit', 'verify', directory, '--keys', join(directory, 'odd.json'))
    await fails(1, /cannot be read as public keys/, 'audit', 'verify', directory, '--keys', join(directory, 'none.json'))
    await fails(1, /cannot be read as public keys.*--keys/, 'audit', 'verify', join(test.loaded.directory, 'policies'))
    await fails(1, /no audit log/, 'audit', 'verify', join(test.loaded.directory, 'policies'), '--keys', join(directory, 'keys.json'))
    await rm(directory, { recursive: true })
  })

  it('events dead, policy current and agent token answer', async () => {
    assert.deepEqual(await json<readonly unknown[]>('events', 'dead'), [])
    assert.match((await lockkeeper('events', 'dead')).out, /No dead letters/)
    await fails(1, /no dead letter/i, 'events', 'redrive', '4711')
    const current = await json<{ pointer: { version: string }, problems: readonly unknown[] }>('policy', 'current')
    assert.deepEqual([current.pointer.version, current.problems], [test.gateway.bundles.current()?.version, []])
    const { out } = await lockkeeper('agent', 'token', '--agent', 'made-up', '--run', 'r')
    assert.equal(out.trim().split('.').length, 3)
    test.heard.tokens.push(out.trim())
  })

  it('a command that is missing, and a body that is no JSON, are wrong use', async () => {
    await fails(2, /Usage: lockkeeper/)
    await fails(2, /Usage: lockkeeper approvals/, 'approvals')
    await fails(2, /--body is no JSON/, 'policy', 'explain', '--agent', 'a', '--issuer', 'b', '--method', 'm', '--body', '{')
    assert.equal((await lockkeeper('help')).code, 0)
    assert.equal((await lockkeeper('--version')).code, 0)
  })

  it('every command without a gateway fails with 1 and says where it looked', async () => {
    for (const args of [['approvals', 'list'], ['lock', 'list'], ['audit', 'tail'], ['events', 'dead'], ['policy', 'current']]) {
      const { code, err } = await runCommand(args, '/nowhere/admin.sock')
      assert.equal(code, 1, args.join(' '))
      assert.match(err, /no gateway is running here: \/nowhere\/admin\.sock/)
    }
  })

  it('every command has help with an example that begins as it does', async () => {
    for (const path of leaves(buildProgram())) {
      const { code, out } = await lockkeeper(...path, '--help')
      assert.equal(code, 0, path.join(' '))
      assert.match(out, new RegExp(`Examples?:[\\s\\S]*\\$.*lockkeeper ${path.join(' ')}`), path.join(' '))
    }
  })
})

interface CommandNode { readonly commands: readonly unknown[], name(): string }

/** Every command that does something, hidden ones left out. */
function leaves(command: CommandNode, path: readonly string[] = []): readonly (readonly string[])[] {
  const shown = (command.commands as readonly (CommandNode & { readonly _hidden?: boolean })[]).filter(({ _hidden }) => _hidden !== true)
  return command.commands.length === 0 ? [path] : shown.flatMap((child) => leaves(child, [...path, child.name()]))
}

async function within(ms: number, holds: () => Promise<boolean>): Promise<void> {
  for (const end = performance.now() + ms; !await holds();) assert.ok(performance.now() < end, `not within ${ms} ms`)
}
