import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:http2'
import { availableParallelism, loadavg } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'
import type { RecordEntry } from '@lockkeeper/domain/records'
import type { LoggedRequest } from '@lockkeeper/sandbox'
import { describeNotRun } from '@lockkeeper/testkit/emulators'
import type { LogReport } from '@lockkeeper/transparency-log'
import type { TestAgent } from '../testing/agent-client.ts'
import { PROJECT_POLICY } from '../testing/calls.ts'
import type { ApprovalDetail } from '../testing/person-browser.ts'
import { openComposeEdition, SERVICES, type ComposeEdition } from '../testing/compose-edition.ts'
import { composePlan, REPOSITORY } from '../testing/compose-plan.ts'

const TITLE = 'Google Cloud edition: in containers'
const MOST_BYTES = 200_000_000
const plan = composePlan()
if ('why' in plan) describeNotRun(TITLE, plan.why, process.env['REQUIRE_EMULATORS'] === '1' ? 'REQUIRE_EMULATORS=1' : undefined)
else describe(TITLE, function () {
  this.timeout(60_000)
  let edition: ComposeEdition
  let agent: TestAgent
  before(async function () {
    this.timeout(420_000)
    edition = await openComposeEdition(plan)
    await Promise.all(SERVICES.map((service) => edition.ready(service)))
    agent = await edition.agent('tour-agent')
  })
  after(() => edition?.close())

  const upstream = async (): Promise<readonly LoggedRequest[]> => (await edition.sandbox<{ readonly requests: readonly LoggedRequest[] }>('/upstream-requests')).requests
  /** A client of the sandbox's, pointed at the path door. */
  const client = async <T>(name: string, ...args: readonly string[]): Promise<T> => {
    const { runClient } = await import('@lockkeeper/sandbox')
    const written = { out: '', err: '' }
    const environment = { SANDBOX_STORAGE_ENDPOINT: `${edition.proxy}/storage.googleapis.com`, SANDBOX_STORAGE_TOKEN: agent.token }
    const code = await runClient(name, args, environment, { out: { write: (text) => { written.out += text } }, err: { write: (text) => { written.err += text } } })
    assert.equal(code, 0, written.err)
    return JSON.parse(written.out) as T
  }

  describe('what the images are', () => {
    for (const service of SERVICES) {
      it(`${service}: under 200 MB, another user than root, and no shell is needed`, async () => {
        const [image] = JSON.parse(await edition.docker(['image', 'inspect', `lockkeeper/${service}:dev`])) as [{ readonly Size: number, readonly Config: { readonly User: string, readonly Entrypoint: readonly string[], readonly Labels: Readonly<Record<string, string>> } }]
        assert.ok(image.Size < MOST_BYTES, `${image.Size} bytes`)
        assert.deepEqual([image.Config.User, image.Config.Entrypoint], ['65532:65532', ['node', '/app/main.js']])
        assert.equal(image.Config.Labels['org.opencontainers.image.title'], `lockkeeper-${service}`)
      })

      it(`${service}: no privilege, and nothing that it could write but what it is given`, async () => {
        const program = `
          const fs = process.getBuiltinModule('node:fs')
          const writes = (path) => { try { fs.writeFileSync(path, ''); return 'written' } catch ({ code }) { return code } }
          const [, effective] = /^CapEff:\\s*(\\w+)$/m.exec(fs.readFileSync('/proc/self/status', 'utf8'))
          const [, noNew] = /^NoNewPrivs:\\s*(\\d)$/m.exec(fs.readFileSync('/proc/self/status', 'utf8'))
          console.log(JSON.stringify([process.getuid(), Number.parseInt(effective, 16), noNew, ...['/app/main.js', '/tmp/x', '/x', '/var/lockkeeper/settings/x'].map(writes)]))`
        assert.deepEqual(JSON.parse(await edition.docker(['exec', edition.container(service), 'node', '--eval', program])), [65532, 0, '1', 'EROFS', 'EROFS', 'EROFS', 'EROFS'])
      })
    }

    it('the same sources make the same layers', async function () {
      this.timeout(120_000)
      const layers = (tag: string): Promise<string> => edition.docker(['image', 'inspect', '--format', '{{json .RootFS.Layers}}', `lockkeeper/notifier:${tag}`])
      await promisify(execFile)(process.execPath, [join(REPOSITORY, 'scripts/images.ts'), 'notifier', '--no-cache'], { env: { ...process.env, TAG: 'again' } })
      assert.equal(await layers('again'), await layers('dev'))
      await edition.docker(['image', 'rm', 'lockkeeper/notifier:again'])
    })
  })

  describe('who reaches whom', () => {
    const reach = async (network: string, places: readonly string[]): Promise<unknown> => JSON.parse(await edition.inNetwork(network, `
      const net = await import('node:net')
      const reached = (place) => new Promise((resolve) => {
        const [host, port] = place.split(':')
        const end = (open) => { socket.destroy(); resolve(open) }
        const socket = net.connect({ host, port }, () => end(true)).on('error', () => end(false))
        setTimeout(() => end(false), 3000).unref()
      })
      console.log(JSON.stringify(await Promise.all(${JSON.stringify(places)}.map(reached))))
      // A name that is not there is looked for long.
      process.exit()`)) as unknown

    it('agents reach the proxy and nothing else', async () => {
      assert.deepEqual(await reach('agents', ['proxy:8080', 'proxy:9000', 'approval:8080', 'audit:8080', 'policy:8080', 'sandbox:9000', 'firestore:8080', 'pubsub:8085']), [true, false, false, false, false, false, false, false])
    })

    it('services reach each other and the emulators, and the upstream is the proxy\'s alone', async () => {
      assert.deepEqual(await reach('services', ['approval:8080', 'pubsub:8085', 'sandbox:9000', 'sandbox:8080', 'proxy:9000']), [true, true, false, false, false])
    })
  })

  describe('the tour', () => {
    it('@google-cloud/storage lists a bucket; e-mail addresses arrive masked', async () => {
      const report = await client<{ readonly objects: readonly { readonly metadata?: Readonly<Record<string, string>> }[] }>('list-objects', 'customer-exports')
      assert.ok(report.objects.length > 2)
      assert.equal(report.objects[0]?.metadata?.['uploaded-by'], '[lockkeeper:masked:email]')
    })

    it('5 MB go up (resumable) and come back byte for byte', async () => {
      const report = await client<{ readonly same: boolean, readonly receivedBytes: number }>('copy-media', 'agent-workspace', 'tour/compose.bin', String(5 * 1024 ** 2))
      assert.deepEqual([report.same, report.receivedBytes], [true, 5 * 1024 ** 2])
    })

    it('curl reads with the token from its standard input', async () => {
      const listed = await curl(`url = "${edition.proxy}/storage.googleapis.com/storage/v1/b/customer-exports/o"\nheader = "Authorization: Bearer ${agent.token}"\n`)
      assert.match(listed, /lockkeeper:masked:email/)
      assert.doesNotMatch(listed, /@sandbox\.example\.com/)
    })

    it('BigQuery rows arrive with people masked', async () => {
      const { status, text } = await agent.post('bigquery.googleapis.com/bigquery/v2/projects/sandbox-project/queries', { query: 'SELECT * FROM crm.customers', useLegacySql: false })
      assert.equal(status, 200, text)
      for (const value of ['DE89370400440532013000', '4111 1111 1111 1111', '+44 20 7946 0018']) assert.ok(!text.includes(value), value)
      assert.match(text, /Mira Holt/)
    })

    it('HTTP/2 without TLS comes in at the same port, as Cloud Run sends it', async () => {
      const session = connect(edition.proxy)
      const stream = session.request({ ':path': `/${PROJECT_POLICY}:getIamPolicy`, ':method': 'POST', authorization: `Bearer ${agent.token}`, 'content-type': 'application/json' })
      stream.end('{}')
      const [headers] = await once(stream, 'response') as [Readonly<Record<string, unknown>>]
      const body = await text(stream)
      assert.equal(headers[':status'], 200, body)
      session.close()
      await once(session, 'close')
    })

    it('what is denied names its rule, and nothing of it reaches the upstream', async () => {
      const before = (await upstream()).length
      const { refused } = await client<{ readonly refused: { readonly status: number, readonly message: string } }>('delete-bucket', 'old-backups')
      assert.equal(refused.status, 403)
      assert.match(refused.message, /sandbox-agents\/buckets-stay/)
      const keys = await agent.post('iam.googleapis.com/v1/projects/sandbox-project/serviceAccounts/deploy-bot@sandbox-project.iam.gserviceaccount.com/keys', {})
      assert.deepEqual([keys.status, keys.reason], [403, 'MINTS_CREDENTIAL'])
      const around = await Promise.all([
        agent.get('storage.googleapis.com/storage/v1/b/old-backups', { headers: { 'x-http-method-override': 'DELETE' } }),
        agent.get('storage.googleapis.com/storage/v1%2Fb%2Fold-backups'),
        agent.get('storage.googleapis.com/storage/v1/b/old-backups?access_token=other'),
        agent.get('169.254.169.254/computeMetadata/v1/'),
      ])
      for (const { status } of around) assert.ok(status >= 400 && status < 500, String(status))
      assert.equal((await upstream()).length, before)
    })

    it('invariant 5: setIamPolicy waits, is approved by a person, runs once, and a re-send gets the receipt', async () => {
      const dials = async (): Promise<number> => (await upstream()).filter(({ path }) => path.endsWith(':setIamPolicy')).length
      const before = await dials()
      const policy = (await agent.post(`${PROJECT_POLICY}:getIamPolicy`, {})).json<{ readonly bindings: readonly object[] }>()
      const body = { policy: { ...policy, bindings: [...policy.bindings, { role: 'roles/run.viewer', members: ['user:new.hire@sandbox.example.com'] }] } }
      const change = (): ReturnType<TestAgent['post']> => agent.post(`${PROJECT_POLICY}:setIamPolicy`, body)
      const first = change()
      const request = await edition.approval('tour-agent', 'pending')
      assert.equal(await dials(), before)
      await edition.decide(request, 'ada')
      let answer = await first
      while (answer.status === 428) answer = await change()
      assert.equal(answer.status, 200, answer.text)
      const again = await change()
      assert.deepEqual([again.status, again.text, await dials() - before], [200, answer.text, 1])
      assert.ok(again.headers['x-lockkeeper-receipt'] !== undefined)
      const { deliveries } = await edition.ask<{ readonly deliveries: readonly { readonly state: string }[] }>('notifier', `/v1/deliveries?subject=${request.id}`)
      assert.ok(deliveries.some(({ state }) => state === 'delivered'), JSON.stringify(deliveries))
    })

    it('invariant 7: a person signs in at the console, looks at the card, and approves with a fresh sign-in', async () => {
      const ada = await edition.person('ada')
      assert.equal((await ada.visit('/sign-in/with/sign-in')).status, 200)
      const held = agent.post(`${PROJECT_POLICY}:setIamPolicy`, { policy: { bindings: [{ role: 'roles/run.viewer', members: ['user:by.console@sandbox.example.com'] }] } })
      const { id } = await edition.approval('tour-agent', 'pending')
      const { approval: { digest, resources }, card } = await ada.api<ApprovalDetail>(`/api/approvals/${id}`)
      assert.equal(card?.risk, 'critical')
      const { location } = await ada.api<{ readonly location: string }>(`/api/approvals/${id}/challenge`, { said: { verdict: 'approve', reason: 'seen in the console' }, digest, confirm: resources[0]?.split('/').at(-1) })
      const back = await ada.visit(location)
      assert.equal(back.status, 200, back.text)
      let answer = await held
      while (answer.status === 428) answer = await agent.post(`${PROJECT_POLICY}:setIamPolicy`, { policy: { bindings: [{ role: 'roles/run.viewer', members: ['user:by.console@sandbox.example.com'] }] } })
      assert.equal(answer.status, 200, answer.text)
      const { votes } = await ada.api<ApprovalDetail>(`/api/approvals/${id}`)
      assert.deepEqual(votes.map(({ person, verdict }) => [person, verdict]), [['ada', 'approve']])
    })

    it('who is unknown at the console is told so and gets no session', async () => {
      const mallory = await edition.person('mallory')
      const page = await mallory.visit('/sign-in/with/sign-in')
      assert.ok(page.status >= 400 && page.text.includes('That did not work'), page.text)
      await assert.rejects(mallory.api('/api/me'), /answered 401/)
    })

    it('invariant 8: the log verifies and holds every call of the run', async () => {
      const report = await edition.ask<LogReport>('audit', '/v1/audit/verify')
      assert.deepEqual([report.ok, report.problems], [true, []])
      const { records } = await edition.ask<{ readonly records: readonly RecordEntry[] }>('audit', `/v1/audit/records?limit=1000&run=${agent.run}&kind=outcome`)
      const results = new Set(records.map((entry) => entry.kind === 'outcome' ? entry.result : undefined))
      for (const wanted of ['answered', 'refused', 'receipt'] as const) assert.ok(results.has(wanted), wanted)
    })

    it('invariant 3: the agent\'s token never went upstream, and the upstream\'s credential never came back', async () => {
      const requests = await upstream()
      const own = `sha256:${createHash('sha256').update(`Bearer ${agent.token}`).digest('hex')}`
      assert.ok(requests.length > 10)
      assert.deepEqual(requests.filter(({ authorized, headers }) => !authorized || headers['authorization'] === own), [])
      assert.ok(!edition.heard.texts.some((text) => text.includes('sandbox-upstream-')))
    })

    it('no token stands in what the containers wrote', async () => {
      const logs = await Promise.all(SERVICES.map((service) => edition.logs(service)))
      for (const token of edition.heard.tokens) assert.ok(!logs.some((log) => log.includes(token.split('.')[2] ?? token)))
    })
  })

  describe('start and end', () => {
    it('SIGTERM answers what is held with 428, and every service ends with 0 within 10 s', async () => {
      const held = agent.post(`${PROJECT_POLICY}:setIamPolicy`, { policy: { bindings: [{ role: 'roles/run.viewer', members: ['user:held@sandbox.example.com'] }] } })
      await edition.approval('tour-agent', 'pending')
      const took = await stop('proxy')
      const { status, reason } = await held
      assert.deepEqual([status, reason], [428, 'APPROVAL_PENDING'])
      const all = [took, ...await Promise.all((['policy', 'approval', 'audit', 'notifier', 'console'] as const).map(stop))]
      assert.ok(all.every((ms) => ms < 10_000), all.join(', '))
      for (const service of SERVICES) assert.equal(await edition.docker(['inspect', '--format', '{{.State.ExitCode}}', edition.container(service)]), '0', service)
    })

    for (const service of ['approval', 'policy', 'audit', 'notifier', 'console', 'proxy'] as const) {
      it(`${service}: from the container's start to ready in under 2 s`, async () => {
        await edition.docker(['start', edition.container(service)])
        const ready = await edition.ready(service)
        const wall = ready - Date.parse(await edition.docker(['inspect', '--format', '{{.State.StartedAt}}', edition.container(service)]))
        const work = await processorMs(service)
        process.stdout.write(`        ${service}: ready after ${wall} ms, ${work} ms of a processor, ${await memory(service)}\n`)
        // Where others keep the machine busy, the clock tells about them: what the service itself needed counts.
        assert.ok((loadavg()[0] ?? 0) > availableParallelism() ? work < 2_000 : wall < 2_000, `${wall} ms, ${work} ms of a processor`)
      })
    }

    it('after the restart the same log goes on', async () => {
      assert.equal((await agent.post(`${PROJECT_POLICY}:getIamPolicy`, {})).status, 200)
      const report = await edition.ask<LogReport>('audit', '/v1/audit/verify')
      assert.deepEqual([report.ok, report.problems], [true, []])
    })

    const stop = async (service: string): Promise<number> => {
      const began = performance.now()
      await edition.docker(['stop', '--time', '20', edition.container(service)])
      return performance.now() - began
    }
    /** Of process 1 until now; `/proc/1/stat` counts in ticks of 10 ms. */
    const processorMs = async (service: string): Promise<number> => {
      const stat = await edition.docker(['exec', edition.container(service), 'node', '--eval', 'console.log(require("node:fs").readFileSync("/proc/1/stat", "utf8"))'])
      const [user, system] = stat.slice(stat.lastIndexOf(')')).split(' ').slice(12, 14).map(Number)
      return ((user ?? Number.NaN) + (system ?? Number.NaN)) * 10
    }
    const memory = (service: string): Promise<string> => edition.docker(['stats', '--no-stream', '--format', '{{.MemUsage}}', edition.container(service)])
  })
})

async function curl(config: string): Promise<string> {
  const running = promisify(execFile)('curl', ['--silent', '--show-error', '--fail-with-body', '--max-time', '30', '--config', '-'])
  running.child.stdin?.end(config)
  return (await running).stdout
}
