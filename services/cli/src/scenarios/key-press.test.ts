/** Invariant 7 at the terminal of `up`: a card for each waiting call, one key for it, and no text of an agent's that moves the cursor. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { SandboxIdp, SandboxUpstream } from '@lockkeeper/sandbox'
import { createAgent, type Heard, type TestAgent } from '../testing/agent-client.ts'
import { ASK_TO_PUBLISH, message, published, TOPIC } from '../testing/calls.ts'
import { writeGatewayFiles } from '../testing/gateway-files.ts'
import { startGatewayProcess, type GatewayProcess } from '../testing/gateway-process.ts'

const terminal = spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout?.includes('util-linux') === true
const CONTROL = '\u009b2J\u009b31mharmless\u0085'

describe('scenario: a key press', () => {
  if (!terminal) {
    it.skip('a pressed key decides (skipped: there is no util-linux `script` here to make a terminal with)')
    return
  }
  let directory: string
  let idp: SandboxIdp
  let upstream: SandboxUpstream
  let gateway: GatewayProcess
  let agent: TestAgent
  before(async () => {
    const { startSandboxIdp, startSandboxUpstream } = await import('@lockkeeper/sandbox')
    directory = await mkdtemp(join(tmpdir(), 'lockkeeper-keys-'))
    ;[idp, upstream] = await Promise.all([startSandboxIdp(), startSandboxUpstream()])
    const file = await writeGatewayFiles(directory, { issuer: idp.issuer, upstream: upstream.origin, policies: [ASK_TO_PUBLISH] })
    gateway = await startGatewayProcess(file, { credential: upstream.credential, terminal: true })
    const heard: Heard = { sent: 0, texts: [], tokens: [] }
    agent = createAgent({ id: 'typed', run: 'keys', token: await idp.mintAgentToken({ agent: 'typed', run: 'keys', sponsor: 'sam.sponsor@sandbox.example.com' }) }, () => gateway.origin, heard)
  })
  after(async () => {
    await gateway.stop()
    await Promise.all([idp.close(), upstream.close()])
    await rm(directory, { recursive: true, force: true })
  })

  it('invariant 7: a approves, d denies, s leaves it for later, other keys and pasted text do nothing (level none: nothing keeps the agent\'s user from typing too)', async () => {
    const first = agent.post(`${TOPIC}:publish`, message('typed'))
    const { id } = await gateway.approval('typed', 'pending')
    const card = await gateway.until(new RegExp(`${id}: a approve · d deny · s later`))
    assert.match(card, /SANDBOX/i)
    assert.match(card, /pubsub\.projects\.topics\.publish/)
    gateway.press('a pasted text')
    assert.equal((await gateway.approval('typed')).state, 'pending')
    gateway.press('x')
    assert.equal((await gateway.approval('typed')).state, 'pending')
    gateway.press('a')
    assert.equal((await first).status, 200)
    await gateway.until(new RegExp(`${id}: approved`))
    assert.equal(published({ upstream }), 1)
    const second = agent.post(`${TOPIC}:publish`, message('second'))
    const other = (await gateway.approval('typed', 'pending')).id
    await gateway.until(new RegExp(`${other}: a approve`))
    gateway.press('d')
    assert.equal((await second).reason, 'APPROVAL_DENIED')
    const third = agent.post(`${TOPIC}:publish`, message('third'))
    const later = (await gateway.approval('typed', 'pending')).id
    await gateway.until(new RegExp(`${later}: a approve`))
    gateway.press('s')
    await gateway.until(new RegExp(`${later}: still waiting`))
    gateway.press('d')
    assert.equal((await gateway.approval('typed')).state, 'pending')
    await gateway.approve(later)
    assert.equal((await third).status, 200)
  })

  it('what an agent says of itself does not move the cursor or colour the card', async () => {
    const waiting = agent.post(`${TOPIC}:publish`, message('escape'), { headers: { 'x-goog-request-reason': CONTROL } })
    const { id } = await gateway.approval('typed', 'pending')
    const text = await gateway.until(new RegExp(`${id}: a approve`))
    assert.match(text, /harmless/)
    for (const hostile of ['\u009b', '\u0085', '\u001b']) assert.ok(!text.includes(hostile), `U+${hostile.charCodeAt(0).toString(16)} reached the terminal`)
    gateway.press('d')
    assert.equal((await waiting).reason, 'APPROVAL_DENIED')
  })

  it('Ctrl-C ends the gateway as SIGTERM does: everything is drained and the socket is gone', async () => {
    gateway.press('\u0003')
    await assert.rejects(gateway.until(/no such text/), /ended with 0/)
  })
})
