import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { closeServer, listenOnLoopback } from '../loopback.ts'
import { clientSpawner } from '../tour/child.ts'
import { startSandboxUpstream } from '../upstream/upstream.ts'
import type { SandboxUpstream } from '../upstream/upstream.ts'
import { bindOnce } from './auth-clients.ts'
import type { ApiCall } from './auth-clients.ts'
import type { ClientReport } from './client-report.ts'
import { runClient } from './run-client.ts'

/** A client as a child with an external_account file; the token endpoint gives out what the test wants. */
describe('the sandbox clients as children', () => {
  const spawnClient = clientSpawner([process.execPath, fileURLToPath(new URL('main.ts', import.meta.url))])
  let upstream: SandboxUpstream
  let sts: Server
  let folder: string
  let environment: Record<string, string>
  const forms: URLSearchParams[] = []

  before(async () => {
    upstream = await startSandboxUpstream()
    sts = createServer((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => {
        forms.push(new URLSearchParams(Buffer.concat(chunks).toString('utf8')))
        response.setHeader('content-type', 'application/json')
        response.end(JSON.stringify({ access_token: upstream.credential, issued_token_type: 'urn:ietf:params:oauth:token-type:access_token', token_type: 'Bearer', expires_in: 600 }))
      })
    })
    folder = await mkdtemp(join(tmpdir(), 'sandbox-clients-'))
    const [file, token] = [join(folder, 'adc.json'), join(folder, 'token.jwt')]
    const origin = await listenOnLoopback(sts, 0)
    await writeFile(token, 'the.agent.token')
    await writeFile(file, JSON.stringify({
      type: 'external_account', audience: '//lockkeeper/agents', subject_token_type: 'urn:ietf:params:oauth:token-type:jwt', token_url: `${origin}/v1/token`, credential_source: { file: token },
    }))
    environment = { PATH: process.env.PATH ?? '', GOOGLE_APPLICATION_CREDENTIALS: file, GOOGLE_CLOUD_PROJECT: 'sandbox-project', METADATA_SERVER_DETECTION: 'none' }
  })
  after(async () => {
    await upstream.close()
    await closeServer(sts)
    await rm(folder, { recursive: true, force: true })
  })

  const report = async (name: string, ...args: string[]): Promise<ClientReport> => {
    const { code, stdout, stderr } = await spawnClient(name, environment, args)
    assert.equal(code, 0, stderr)
    assert.ok(!stdout.includes(upstream.credential), 'a report holds a token')
    return JSON.parse(stdout) as ClientReport
  }

  it('exchange the agent\'s token, call with what they got, and tell of it by its hash alone', async () => {
    const { tokenHash, externalAccount, status, expiresInSeconds } = await report('exchange-token', `${upstream.origin}/storage/v1/b?project=p`) as Record<string, unknown>
    assert.deepEqual([externalAccount, status, tokenHash], [true, 200, createHash('sha256').update(upstream.credential).digest('hex')])
    assert.ok(Number(expiresInSeconds) > 590)
    assert.equal(forms.at(-1)?.get('subject_token'), 'the.agent.token')
  })

  it('report an answer with its data', async () => {
    const answer = await report('call-api', 'POST', `${upstream.origin}/bigquery/v2/projects/sandbox-project/queries`, '{"query":"SELECT name FROM crm.customers LIMIT 1"}')
    assert.deepEqual((answer as unknown as { data: { rows: unknown } }).data.rows, [{ f: [{ v: 'Mira Holt' }] }])
  })

  it('report a refusal with status and message', async () => {
    assert.deepEqual(await report('call-api', 'GET', `${upstream.origin}/storage/v1/b/absent`), { outcome: 'refused', refused: { status: 404, message: 'The specified bucket does not exist.' } })
  })

  it('break down with exit code 1 where there is no API answer, and with 2 for an unknown name', async () => {
    assert.equal((await spawnClient('call-api', environment, ['GET', 'http://127.0.0.1:1/'])).code, 1)
    const { code, stderr } = await spawnClient('constructor', environment, [])
    assert.deepEqual([code, /There is no sandbox client constructor/.test(stderr)], [2, true])
  })

  const answers = (statuses: readonly number[]) => {
    const sent: string[] = []
    const left = [...statuses]
    const call: ApiCall = async (method, url, body) => {
      sent.push(`${method} ${url.split(':').at(-1)} ${JSON.stringify(body)}`)
      const status = left.shift() ?? 500
      const headers: Record<string, string> = status === 200 && sent.length > 2 ? { 'x-lockkeeper-receipt': 'apr_1' } : {}
      return { status, headers, data: status === 200 ? { bindings: [{ role: 'r', members: ['m'] }], etag: 'E' } : { error: { message: `status ${status}` } } }
    }
    return { sent, call }
  }

  it('send a waiting change again until it is decided, and the very same once more', async () => {
    const { sent, call } = answers([200, 428, 428, 200, 200])
    const answer = await bindOnce(call, 'p', 'roles/x', 'user:a@b.example') as unknown as { waits: number, again: object }
    assert.deepEqual([answer.waits, answer.again], [2, { status: 200, receipt: 'apr_1', sameAnswer: true }])
    assert.equal(new Set(sent.slice(1)).size, 1)
    assert.match(sent[1] ?? '', /"etag":"E"/)
  })

  for (const [title, statuses, status, sends] of [['a policy that cannot be read', [403], 403, 1], ['a denial', [200, 428, 403], 403, 3], ['no decision at all', [200, ...Array<number>(41).fill(428)], 428, 42]] as const) {
    it(`report ${title} and stop`, async () => {
      const { sent, call } = answers(statuses)
      assert.deepEqual(await bindOnce(call, 'p', 'roles/x', 'user:a@b.example'), { outcome: 'refused', refused: { status, message: `status ${status}` } })
      assert.equal(sent.length, sends)
    })
  }

  it('an unknown name is told without a child, too', async () => {
    let text = ''
    assert.equal(await runClient('nothing', [], {}, { out: process.stdout, err: { write: (line: string) => { text += line } } }), 2)
    assert.match(text, /list-objects, copy-media/)
  })
})
