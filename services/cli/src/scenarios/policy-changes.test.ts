/** A policy file that changes under load: in force within a second, no call dropped, and nothing unsound in force ever. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { rename, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { BUCKETS } from '../testing/calls.ts'
import type { Answer, TestAgent } from '../testing/agent-client.ts'
import { policyText } from '../testing/gateway-files.ts'
import { startTestGateway, type TestGateway } from '../testing/test-gateway.ts'

const READS = policyText([{ name: 'reads', methods: ['storage.buckets.list'], effect: 'allow' }])
const NOTHING = policyText([{ name: 'reads', methods: ['storage.buckets.list'], effect: 'deny', message: 'closed for today' }])
const EVERY_MS = 20

describe('scenario: a policy changes', () => {
  let test: TestGateway
  let agent: TestAgent
  let file: string
  before(async () => {
    test = await startTestGateway({ policies: { 'scenario.yaml': READS } })
    agent = await test.agent('steady')
    file = join(test.loaded.directory, 'policies', 'scenario.yaml')
  })
  after(() => test.close())

  it('a changed file is in force within a second, and at 50 calls a second none is dropped', async () => {
    const load = startLoad(agent)
    await sleep(200)
    const delays: number[] = []
    for (const [text, wanted] of [[NOTHING, 403], [READS, 200], [NOTHING, 403], [READS, 200]] as const) {
      const from = performance.now()
      // As an editor saves: whole, or in place.
      if (wanted === 403) await writeFile(file, text)
      else {
        await writeFile(`${file}.tmp`, text)
        await rename(`${file}.tmp`, file)
      }
      delays.push(await load.until(wanted) - from)
    }
    const answers = await load.stop()
    assert.ok(delays.every((ms) => ms < 1_000), `in force after ${delays.map(Math.round).join(', ')} ms`)
    assert.ok(answers.length >= 20)
    assert.deepEqual(answers.filter(({ status, reason }) => status !== 200 && reason !== 'POLICY_DENIED').map(({ text }) => text), [])
    // Once changed it stays changed: no call is judged by what is gone.
    const flips = answers.filter(({ status }, index) => index > 0 && status !== answers[index - 1]?.status).length
    assert.ok(flips <= 4, `${flips} changes of mind`)
  })

  const UNSOUND: Readonly<Record<string, string>> = {
    'no YAML': 'rules: [',
    'an unknown key': READS.replace('"effect"', '"efect"'),
    'an unknown method': READS.replace('storage.buckets.list', 'storage.buckets.lisst'),
    'a condition that does not type-check': policyText([{ name: 'reads', methods: ['*'], effect: 'allow', when: 'call.nothing.like.this == 1' }]),
    'half a file': NOTHING.slice(0, 150),
    'an unknown mask': policyText([{ name: 'reads', methods: ['*'], effect: 'allow', mask: ['no-such-detector'] }]),
  }
  for (const [what, text] of Object.entries(UNSOUND)) {
    it(`a file with ${what} leaves the old policy in force and says so loudly`, async () => {
      const before = test.gateway.bundles.current()?.version
      await writeFile(file, text)
      await test.gateway.policy.scan()
      const { problems } = test.gateway.policy.status()
      assert.ok(problems.length > 0 && problems.every(({ file: name, line }) => name.endsWith('scenario.yaml') && line !== undefined && line >= 1), JSON.stringify(problems))
      assert.equal(test.gateway.bundles.current()?.version, before)
      assert.equal((await agent.get(BUCKETS)).status, 200)
      assert.ok(test.logLines.some((line) => line.includes('what was in force stays in force')))
      await writeFile(file, READS)
      await test.gateway.policy.scan()
      assert.deepEqual(test.gateway.policy.status().problems, [])
    })
  }

  it('a policy that is taken away allows nothing, and a second file joins the first', async () => {
    const second = join(test.loaded.directory, 'policies', 'second.yaml')
    await writeFile(second, policyText([{ name: 'closed', methods: ['storage.buckets.list'], effect: 'deny' }], 'second'))
    await published(test)
    assert.equal((await agent.get(BUCKETS)).metadata['rule'], 'second/closed')
    await unlink(second)
    await writeFile(file, policyText([{ name: 'other', methods: ['storage.objects.list'], effect: 'allow' }]))
    await published(test)
    assert.equal((await agent.get(BUCKETS)).metadata['rule'], 'builtin/no-rule')
  })
})

async function published({ gateway }: TestGateway): Promise<void> {
  await gateway.policy.scan()
  assert.deepEqual(gateway.policy.status().problems, [])
  while (gateway.bundles.current()?.version !== gateway.policy.status().pointer?.version) await gateway.bundles.refresh()
}

/** A call each 20 ms, whether earlier ones are answered or not. */
function startLoad(agent: TestAgent) {
  const answers: Answer[] = []
  const waiting: Promise<unknown>[] = []
  const news = new EventTarget()
  const timer = setInterval(() => {
    waiting.push(agent.get(BUCKETS).then((answer) => {
      answers.push(answer)
      news.dispatchEvent(new Event('answer'))
    }))
  }, EVERY_MS)
  return {
    /** Resolves with the time at which an answer of this status came. */
    async until(status: number): Promise<number> {
      for (const from = answers.length; ;) {
        if (answers.slice(from).some((answer) => answer.status === status)) return performance.now()
        await once(news, 'answer')
      }
    },
    async stop(): Promise<readonly Answer[]> {
      clearInterval(timer)
      await Promise.all(waiting)
      return answers
    },
  }
}
