/**
 * Invariants 5, 8 and 10 while the IAM Credentials API is down, slow or refuses. The API is a small server that answers as published;
 * the gateway is whole, but in this process: as a process of its own the sandbox takes no such credential (invariant 14).
 */
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createCredentialSource } from '@lockkeeper/adapter-google-auth'
import { startProviderServer, tempDir, type ProviderAnswer, type ProviderServer } from '@lockkeeper/testkit'
import { faultyLink, type FaultyLink } from '@lockkeeper/testkit/emulators'
import type { Answer, TestAgent } from '../testing/agent-client.ts'
import { ALLOW, ASK_TO_PUBLISH, BUCKETS, message, published, TOPIC } from '../testing/calls.ts'
import { startTestGateway, type TestGateway } from '../testing/test-gateway.ts'

const ACCOUNT = 'agents@proj.iam.gserviceaccount.com'
const LIFE_SECONDS = 60
/** Longer than each token lives. */
const TOKEN_ENDED_MS = LIFE_SECONDS * 1000 + 1
const OWN_CANARY = 'ya29.ownCANARY77f2'

describe('scenario: the IAM Credentials API', () => {
  let test: TestGateway
  let api: ProviderServer
  let link: FaultyLink
  let minted: () => ProviderAnswer
  const variable = process.env['GOOGLE_APPLICATION_CREDENTIALS']
  before(async () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const file = join(tempDir(), 'gateway.json')
    await writeFile(file, JSON.stringify({ type: 'service_account', client_email: 'gateway@proj.iam.gserviceaccount.com', private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }), project_id: 'proj' }), { mode: 0o600 })
    process.env['GOOGLE_APPLICATION_CREDENTIALS'] = file
    api = await startProviderServer(({ path }) => path === '/token' ? { status: 200, body: JSON.stringify({ access_token: OWN_CANARY, expires_in: 3600, token_type: 'Bearer' }) } : minted())
    link = await faultyLink(api.origin.replace('http://', ''))
    test = await startTestGateway({
      policies: [ASK_TO_PUBLISH, ALLOW],
      source: ({ credential, clock }) => {
        minted = () => ({ status: 200, body: JSON.stringify({ accessToken: credential, expireTime: new Date(clock.now() + LIFE_SECONDS * 1000).toISOString() }) })
        return createCredentialSource({ kind: 'impersonate', targetPrincipal: ACCOUNT, lifetimeSeconds: LIFE_SECONDS }, {
          clock, endpoints: { iamCredentials: `http://${link.host}` }, fetch: (input, init) => fetch(String(input).replace('https://oauth2.googleapis.com', api.origin), init),
        })
      },
    })
  })
  after(async () => {
    if (variable === undefined) delete process.env['GOOGLE_APPLICATION_CREDENTIALS']
    else process.env['GOOGLE_APPLICATION_CREDENTIALS'] = variable
    await test.close()
    await link.close()
    await api.close()
  })

  const read = (agent: TestAgent): Promise<Answer> => agent.get(BUCKETS)
  const change = (agent: TestAgent): Promise<Answer> => agent.post(`${TOPIC}:publish`, message(agent.id))
  /** After a failure nothing is tried for a second. */
  const untilRun = async (call: () => Promise<Answer>): Promise<Answer> => {
    for (const end = performance.now() + 10_000; ; await sleep(50)) {
      const answer = await call()
      if (answer.status === 200) return answer
      assert.ok(performance.now() < end && answer.reason === 'CREDENTIAL_UNAVAILABLE', answer.text)
    }
  }
  const assertRefused = ({ status, reason, text }: Answer): void => {
    assert.deepEqual([status, reason], [503, 'CREDENTIAL_UNAVAILABLE'])
    assert.match(text, /Nothing was sent/)
  }

  it('invariants 5 and 10: while the IAM Credentials API is down the token in force serves until it ends, then calls are refused, no approval is used up, and all goes on by itself', async () => {
    const agent = await test.agent('no-iam')
    assert.equal((await read(agent)).status, 200)
    link.cut()
    assert.equal((await read(agent)).status, 200)
    test.clock.ahead(TOKEN_ENDED_MS)
    const before = test.upstream.requests.total
    assertRefused(await read(agent))
    const held = change(agent)
    await test.decide('no-iam', 'approve')
    assertRefused(await held)
    assert.equal(test.upstream.requests.total, before)
    link.restore()
    const run = published(test)
    await untilRun(() => change(agent))
    assert.equal(published(test), run + 1)
    assert.equal((await read(agent)).status, 200)
  })

  const refusals: Readonly<Record<string, ProviderAnswer>> = {
    'a refusal': { status: 403, body: JSON.stringify({ error: { code: 403, status: 'PERMISSION_DENIED', message: `${OWN_CANARY} may not mint` } }) },
    'an outage of its own': { status: 503, body: 'ya29.noJSON' },
    'a token without an end': { status: 200, body: JSON.stringify({ accessToken: 'ya29.endless' }) },
  }
  for (const [what, answer] of Object.entries(refusals)) {
    it(`invariant 10: where the IAM Credentials API answers with ${what} calls are refused, and run by themselves once it mints again`, async () => {
      const agent = await test.agent('refused')
      await untilRun(() => read(agent))
      test.clock.ahead(TOKEN_ENDED_MS)
      api.next(answer)
      const before = test.upstream.requests.total
      assertRefused(await read(agent))
      assert.equal(test.upstream.requests.total, before)
      await untilRun(() => read(agent))
    })
  }

  it('invariant 8: each of these calls stands in the log with how it ended and whose credential it had', async () => {
    const outcomes = (await test.outcomes()).filter(({ reason }) => reason === 'CREDENTIAL_UNAVAILABLE')
    assert.ok(outcomes.length >= 5)
    assert.ok(outcomes.every(({ result, status, principal }) => result === 'refused' && status === 503 && principal === ACCOUNT))
    const written = JSON.stringify([await test.records(), test.logLines])
    assert.ok(!written.includes(OWN_CANARY) && !written.includes('ya29.'))
  })
})
