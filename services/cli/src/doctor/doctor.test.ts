import assert from 'node:assert/strict'
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '@lockkeeper/domain'
import { openAdminClient } from '../admin/admin-client.ts'
import { openTestGateway, type TestGateway } from '../agent/test-gateway.ts'
import type { GatewayStatus } from '../commands/agent.ts'
import { loadConfig } from '../gateway/load-config.ts'
import { examine } from './doctor.ts'
import type { Finding, Result } from './finding.ts'
import { checkAuthority } from './gateway-checks.ts'
import type { Surroundings } from './surroundings.ts'

describe('doctor', function () {
  this.timeout(20_000)
  let world: TestGateway
  let home: string
  let token: string
  let given: Surroundings

  before(async () => {
    world = await openTestGateway()
    home = await mkdtemp(join(tmpdir(), 'lockkeeper-home-'))
    token = await world.sandbox.idp.mintAgentToken({ agent: 'examined', run: 'run-1', sponsor: 'sam.sponsor@sandbox.example.com' })
    await writeFile(join(world.work, 'token.jwt'), token, { mode: 0o600 })
    const client = openAdminClient(world.admin)
    given = {
      configuration: world.sandbox.loaded, gateway: { client, status: await client.get<GatewayStatus>('/v1/status') }, tokenFile: join(world.work, 'token.jwt'),
      environment: {}, home, clock: systemClock, strongest: 'container', metadata: 'http://127.0.0.1:1',
    }
  })
  after(async () => {
    await world.close()
    await rm(home, { recursive: true })
  })

  const of = async (check: string, changes: Partial<Surroundings> = {}): Promise<readonly Finding[]> => (await examine({ ...given, ...changes })).filter((one) => one.check === check)
  const results = (found: readonly Finding[]): readonly Result[] => found.map(({ result }) => result)
  const configured = async (change: (text: string) => string): Promise<Surroundings['configuration']> => {
    const directory = await mkdtemp(join(world.work, 'changed-'))
    const file = join(directory, 'lockkeeper.yaml')
    await copyFile(join(world.sandbox.directory, 'people.yaml'), join(directory, 'people.yaml'))
    await mkdir(join(directory, 'policies'))
    await copyFile(join(world.sandbox.directory, 'policies', 'sandbox-agents.yaml'), join(directory, 'policies', 'sandbox-agents.yaml'))
    await writeFile(file, change(await readFile(join(world.sandbox.directory, 'lockkeeper.yaml'), 'utf8')))
    const loaded = loadConfig(file, {})
    return 'problems' in loaded ? { file, problems: loaded.problems } : loaded
  }

  it('finds nothing wrong with a sound gateway, and says for each check what is', async () => {
    const found = await examine(given)
    assert.deepEqual(found.filter(({ result }) => result === 'problem' || result === 'warning'), [])
    assert.deepEqual([...new Set(found.map(({ check }) => check))], ['configuration', 'gateway', 'isolation', 'files', 'policies', 'authority', 'doors', 'issuers', 'clock', 'token', 'credentials', 'notifier', 'other credentials', 'node'])
    for (const { is } of found) assert.notEqual(is, '')
  })

  it('invariant 3: neither the token nor a credential appears in what is printed, with --json or without', async () => {
    for (const more of [[], ['--json']]) {
      const { code, out, err } = await world.lockkeeper(['doctor', '--token-file', 'token.jwt', ...more], { environment: { HOME: home } })
      assert.equal(code, 0, err)
      assert.ok(!(out + err).includes(token.split('.')[2] as string))
      assert.match(out, /agent examined, run run-1, sponsor sam\.sponsor@sandbox\.example\.com/)
    }
  })

  it('ends with 1 and names what is wrong when a configuration has problems', async () => {
    const file = join(world.work, 'broken.yaml')
    await writeFile(file, 'apiVersion: lockkeeper.dev/v1\nkind: Gateway\nmode: reel\nissuer: []\n')
    const { code, out, err } = await world.lockkeeper(['doctor', '--config', file], { environment: { HOME: home } })
    assert.equal(code, 1)
    assert.match(out, /PROBLEM +configuration: .*broken\.yaml:3: mode /)
    assert.match(out, /→ /)
    assert.match(err, /problems found/)
  })

  it('without a running gateway its doors are skipped with the reason, not passed', async () => {
    assert.deepEqual(results(await of('doors', { gateway: { absent: 'none here' } })), ['skipped'])
    assert.deepEqual(await of('gateway', { gateway: { absent: 'none here' } }), [{ check: 'gateway', result: 'skipped', is: 'none here' }])
  })

  it('a door that is closed though it should be open is a problem', async () => {
    const { gateway } = given
    if ('absent' in gateway) throw new TypeError('the gateway is there')
    const found = await of('doors', { gateway: { ...gateway, status: { ...gateway.status, origin: 'http://127.0.0.1:1' } } })
    assert.deepEqual(results(found), ['problem', 'problem', 'problem'])
  })

  it('another authority than the door\'s own is a problem', async () => {
    const { gateway } = given
    if ('absent' in gateway) throw new TypeError('the gateway is there')
    const other = await readFile(new URL('../agent/testing/other-authority.pem', import.meta.url), 'utf8')
    assert.deepEqual(results(await checkAuthority({ ...given, gateway: { ...gateway, status: { ...gateway.status, authority: other } } })), ['problem'])
  })

  it('an authority that is not bound to the targets\' names is a problem', async () => {
    const configuration = await configured((text) => text)
    if (configuration === undefined || 'problems' in configuration) throw new TypeError('the configuration is sound')
    await mkdir(join(configuration.directory, '.lockkeeper', 'ca'), { recursive: true, mode: 0o700 })
    await copyFile(new URL('../agent/testing/other-authority.pem', import.meta.url), join(configuration.directory, '.lockkeeper', 'ca', 'ca.pem'))
    const found = await of('authority', { configuration, gateway: { absent: 'none here' } })
    assert.equal(found[0]?.result, 'problem')
    assert.match(found[0]?.is ?? '', /could vouch for any host/)
  })

  it('files that others can read or change are problems, each with its command', async () => {
    const key = join(world.gateway.directory, 'keys', 'receipts.key')
    const policy = join(world.sandbox.directory, 'policies', 'sandbox-agents.yaml')
    await chmod(key, 0o644)
    await chmod(policy, 0o666)
    try {
      const found = await of('files')
      assert.deepEqual(found.map(({ result, todo }) => [result, todo?.split(';')[0]]), [['problem', `chmod go-rwx ${key}`], ['problem', `chmod go-w ${policy}`]])
    } finally {
      await chmod(key, 0o600)
      await chmod(policy, 0o644)
    }
  })

  it('a weaker level than the records state is a problem', async () => {
    const { gateway } = given
    if ('absent' in gateway) throw new TypeError('the gateway is there')
    assert.deepEqual(results(await of('isolation', { strongest: 'user', gateway: { ...gateway, status: { ...gateway.status, isolation: 'container' } } })).slice(0, 1), ['problem'])
  })

  const TOKENS: readonly (readonly [title: string, text: () => string | Promise<string>, result: Result, is: RegExp])[] = [
    ['of an unknown issuer', () => `${Buffer.from('{"alg":"RS256","kid":"k"}').toString('base64url')}.${Buffer.from('{"iss":"https://other.example"}').toString('base64url')}.c2ln`, 'problem', /issuer/],
    ['that is none', () => 'hello', 'problem', /would refuse/],
    ['that is empty', () => '', 'problem', /would refuse/],
    ['with a broken signature', () => `${token.slice(0, -8)}AAAAAAAA`, 'problem', /would refuse/],
    ['that ends in two minutes', () => world.sandbox.idp.mintAgentToken({ agent: 'a', run: 'r', sponsor: 'sam.sponsor@sandbox.example.com', ttlSeconds: 120 }), 'warning', /ends in 1[12]\d s/],
    ['whose sponsor is nobody known', () => world.sandbox.idp.mintAgentToken({ agent: 'a', run: 'r', sponsor: 'nobody@elsewhere.example' }), 'warning', /resolves to no person/],
  ]
  for (const [title, text, result, is] of TOKENS) {
    it(`a token ${title} is a ${result}`, async () => {
      const file = join(world.work, 'other.jwt')
      await writeFile(file, await text(), { mode: 0o600 })
      assert.ok((await of('token', { tokenFile: file })).some((one) => one.result === result && is.test(one.is)))
    })
  }
  it('a token file that others can read, and one that is not there, are named', async () => {
    const file = join(world.work, 'open.jwt')
    await writeFile(file, token)
    await chmod(file, 0o644)
    assert.ok(results(await of('token', { tokenFile: file })).includes('warning'))
    assert.deepEqual(results(await of('token', { tokenFile: join(world.work, 'none.jwt') })), ['problem'])
  })

  it('an issuer that does not answer is a problem; a clock that disagrees is told by how much', async () => {
    const configuration = await configured((text) => text.replace(/issuer: http:\/\/127\.0\.0\.1:\d+/, 'issuer: http://127.0.0.1:1'))
    assert.deepEqual(results(await of('issuers', { configuration })), ['problem'])
    assert.deepEqual(results(await of('clock', { configuration })), ['skipped'])
    const [behind] = await of('clock', { clock: { ...systemClock, now: () => systemClock.now() - 90_000 } })
    assert.deepEqual([behind?.result, /^this machine's clock is (?:89|90|91) s behind that of issuer sandbox$/.test(behind?.is ?? '')], ['problem', true])
    assert.deepEqual(results(await of('clock', { clock: { ...systemClock, now: () => systemClock.now() + 30_000 } })), ['warning'])
  })

  it('policies with problems are named with their file, and an empty folder is one', async () => {
    const configuration = await configured((text) => text)
    if (configuration === undefined || 'problems' in configuration) throw new TypeError('the configuration is sound')
    const file = join(configuration.directory, 'policies', 'sandbox-agents.yaml')
    await writeFile(file, 'apiVersion: nothing\n')
    const [broken] = await of('policies', { configuration })
    assert.equal(broken?.result, 'problem')
    assert.match(broken?.is ?? '', /sandbox-agents\.yaml/)
    await rm(file)
    assert.deepEqual(results(await of('policies', { configuration })), ['problem'])
  })

  it('real mode: a missing secret and a missing key file are problems that name the target', async () => {
    const configuration = await configured((text) => text.replace('mode: sandbox', 'mode: real').replace(/issuer: http:\/\/127\.0\.0\.1:\d+/, 'issuer: https://issuer.invalid').replace(/upstream: .*\n/, 'kind: google\n').replace('isolation: none', 'isolation: container').replace('people:', 'secrets: ./secrets\npeople:'))
    assert.ok(configuration !== undefined && !('problems' in configuration), JSON.stringify(configuration))
    const [found] = await of('credentials', { configuration })
    assert.equal(found?.result, 'problem')
    assert.match(found?.is ?? '', /^google: no credential \(secret\)/)
  })

  describe('other Google credentials', () => {
    let metadata: Server
    let origin: string
    before(async () => {
      metadata = createServer((_request, response) => response.setHeader('metadata-flavor', 'Google').end()).listen(0, '127.0.0.1')
      await new Promise((resolve) => metadata.once('listening', resolve))
      origin = `http://127.0.0.1:${(metadata.address() as AddressInfo).port}`
      await mkdir(join(home, '.config', 'gcloud'), { recursive: true })
    })
    after(async () => {
      metadata.close()
      metadata.closeAllConnections()
      await rm(join(home, '.config'), { recursive: true })
    })

    it('invariant 3: those in reach of an agent are named at level none, the metadata server as a problem', async () => {
      const found = await of('other credentials', { metadata: origin, environment: { GEMINI_API_KEY: 'x' } })
      assert.deepEqual(results(found), ['warning', 'warning', 'problem'])
    })
    it('at level container they are out of reach, and still named', async () => {
      const { gateway } = given
      if ('absent' in gateway) throw new TypeError('the gateway is there')
      const [found] = await of('other credentials', { metadata: origin, gateway: { ...gateway, status: { ...gateway.status, isolation: 'container' } } })
      assert.equal(found?.result, 'ok')
      assert.match(found?.is ?? '', /out of an agent's reach.*gcloud.*metadata server/)
    })
  })

  for (const [name, value, result] of [['NODE_OPTIONS', '--require /tmp/x.js', 'warning'], ['NODE_OPTIONS', '--inspect=0.0.0.0', 'warning'], ['NODE_OPTIONS', '--use-openssl-ca', 'warning'], ['NODE_OPTIONS', '--max-old-space-size=4096', 'ok'], ['NODE_TLS_REJECT_UNAUTHORIZED', '0', 'problem'], ['SSLKEYLOGFILE', '/tmp/keys', 'warning']] as const) {
    it(`${name}=${value} is ${result === 'ok' ? 'ok' : `a ${result}`}`, async () => assert.deepEqual(results(await of('node', { environment: { [name]: value } })), [result]))
  }

  it('a check that fails itself is a problem and stops no other', async () => {
    const found = await examine({ ...given, environment: new Proxy({}, { get: () => { throw new Error('no environment') } }) })
    assert.ok(found.some(({ check, result, is }) => check === 'node' && result === 'problem' && is.includes('no environment')))
    assert.ok(found.some(({ check, result }) => check === 'doors' && result === 'ok'))
  })
})
