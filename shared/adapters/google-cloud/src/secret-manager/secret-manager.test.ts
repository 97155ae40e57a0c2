import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { LockkeeperError } from '@lockkeeper/domain/errors'
import { PortUnavailable } from '@lockkeeper/domain/ports'
import { GrpcFault, manualClock, secretSourceCompliance, type GrpcStatus, type ManualClock } from '@lockkeeper/testkit'
import { secretManagerClient, secretManagerSecrets, type SecretManagerSecrets, type SecretManagerSettings, type SecretPin } from './index.ts'
import { PROJECT_NUMBER, startSecretManagerServer, type SecretManagerServer } from './testing/secret-manager-server.ts'

const resource = (name: string): string => `projects/gateway/secrets/${name}`
const TOKEN = resource('token')

secretSourceCompliance('Secret Manager (a server that answers by its proto)', async () => {
  const server = await startSecretManagerServer()
  const pins: Record<string, SecretPin> = {}
  const secrets = secretManagerSecrets({ secrets: pins }, { client: secretManagerClient(server.clientOptions) })
  return {
    secrets,
    async set(name, value) {
      pins[name] = { secret: resource(name), version: server.add(resource(name), value) }
      secrets.replace(pins)
    },
    async close() {
      await secrets.close()
      server.close()
    },
  }
})

describe('google-cloud: Secret Manager', () => {
  let server: SecretManagerServer
  let secrets: SecretManagerSecrets
  let clock: ManualClock
  let lines: { readonly level: string, readonly facts: object, readonly text: string }[] = []

  const open = (pin: SecretPin, settings: Partial<SecretManagerSettings> = {}): void => {
    const note = (level: string) => (facts: object, text: string): void => { lines.push({ level, facts, text }) }
    secrets = secretManagerSecrets({ secrets: { token: pin }, timeoutMs: 200, ...settings }, { client: secretManagerClient(server.clientOptions), clock, log: { info: note('info'), warn: note('warn') } })
  }
  const access = async (): Promise<string> => (await secrets.access('token')).value
  const failed = async (): Promise<Error> => {
    const error = await secrets.access('token').then(() => assert.fail('a secret came'), (reason: unknown) => reason)
    assert.ok(error instanceof Error)
    assert.ok(!inspect(error, { depth: 9, showHidden: true }).includes('CANARY'), 'the error holds a secret')
    return error
  }
  const withdrawn = async (): Promise<void> => {
    const error = await failed()
    assert.ok(error instanceof LockkeeperError && error.reason === 'CREDENTIAL_UNAVAILABLE', inspect(error))
  }

  beforeEach(async () => {
    server = await startSecretManagerServer()
    server.add(TOKEN, 'CANARY-1')
    server.add(TOKEN, 'CANARY-2\n')
    clock = manualClock()
    lines = []
  })
  afterEach(async () => {
    await secrets.close()
    server.close()
  })

  it('the pinned version is what is asked for and what is told, in the words of the settings', async () => {
    open({ secret: TOKEN, version: 1 })
    assert.deepEqual(await secrets.access('token'), { value: 'CANARY-1', version: `${TOKEN}/versions/1` })
    assert.deepEqual(server.calls.map(({ request }) => (request as { name: string }).name), [`${TOKEN}/versions/1`])
    assert.deepEqual(lines, [])
  })

  it('`latest` is warned about by name, and the version that it was is told', async () => {
    open({ secret: TOKEN, version: 'latest' })
    assert.deepEqual(lines.map(({ level, facts }) => [level, facts]), [['warn', { secret: 'token' }]])
    assert.deepEqual(await secrets.access('token'), { value: 'CANARY-2', version: `${TOKEN}/versions/2` })
  })

  it('callers that come together wait for one request, later ones for none', async () => {
    open({ secret: TOKEN, version: 1 })
    assert.deepEqual(await Promise.all([access(), access(), access()]), ['CANARY-1', 'CANARY-1', 'CANARY-1'])
    clock.advance(29_999)
    await access()
    assert.equal(server.calls.length, 1)
    clock.advance(1)
    await access()
    assert.equal(server.calls.length, 2)
  })

  describe('rotation', () => {
    it('other settings are in force at once: another version, and names that are gone', async () => {
      open({ secret: TOKEN, version: 1 })
      assert.equal(await access(), 'CANARY-1')
      secrets.replace({ token: { secret: TOKEN, version: 2 } })
      assert.equal(await access(), 'CANARY-2')
      secrets.replace({})
      await withdrawn()
    })

    it('settings that name the same version leave the held value alone', async () => {
      open({ secret: TOKEN, version: 1 })
      await access()
      secrets.replace({ token: { secret: TOKEN, version: 1 } })
      await access()
      assert.equal(server.calls.length, 1)
    })

    it('a notified new version of a `latest` secret is taken up by the next access, and told', async () => {
      open({ secret: TOKEN, version: 'latest' })
      await access()
      server.add(TOKEN, 'CANARY-3')
      assert.equal(await access(), 'CANARY-2')
      secrets.onNotification({ eventType: 'SECRET_VERSION_ADD', secretId: `projects/${PROJECT_NUMBER}/secrets/token`, versionId: `projects/${PROJECT_NUMBER}/secrets/token/versions/3` })
      assert.equal(await access(), 'CANARY-3')
      assert.deepEqual(lines.at(-1)?.facts, { secret: 'token', version: `${TOKEN}/versions/3` })
    })

    it('a notified new version of a pinned secret changes nothing and is told', async () => {
      open({ secret: TOKEN, version: 1 })
      await access()
      secrets.onNotification({ eventType: 'SECRET_VERSION_ADD', secretId: TOKEN, versionId: `${TOKEN}/versions/3` })
      assert.equal(await access(), 'CANARY-1')
      assert.equal(server.calls.length, 1)
      assert.deepEqual(lines.at(-1)?.facts, { secret: 'token', pinned: 1 })
    })

    it('a notification that came while a request was out makes it be asked again', async () => {
      open({ secret: TOKEN, version: 'latest' })
      await access()
      clock.advance(30_000)
      let told = false
      server.distort = (answer) => {
        if (told) return answer
        told = true
        server.add(TOKEN, 'CANARY-3')
        secrets.onNotification({ eventType: 'SECRET_VERSION_ADD', secretId: TOKEN })
        return answer
      }
      assert.equal(await access(), 'CANARY-3')
    })

    const strange: Readonly<Record<string, Readonly<Record<string, string>>>> = {
      'another secret': { eventType: 'SECRET_DELETE', secretId: resource('other') },
      'the same name in another project': { eventType: 'SECRET_DELETE', secretId: 'projects/other-project/secrets/token' },
      'another version': { eventType: 'SECRET_VERSION_DISABLE', secretId: TOKEN, versionId: `${TOKEN}/versions/2` },
      'nothing': {},
      'a name of objects': { eventType: 'SECRET_DELETE', secretId: '__proto__' },
    }
    for (const [what, attributes] of Object.entries(strange)) {
      it(`a notification about ${what} is ignored`, async () => {
        open({ secret: TOKEN, version: 1 })
        await access()
        secrets.onNotification(attributes)
        await access()
        assert.equal(server.calls.length, 1)
      })
    }
  })

  describe('a version that was withdrawn', () => {
    for (const state of ['DISABLED', 'DESTROYED'] as const) {
      it(`is out of use within 30 s when it is ${state}, without any notification`, async () => {
        open({ secret: TOKEN, version: 1 })
        await access()
        server.setState(TOKEN, 1, state)
        clock.advance(30_000)
        await withdrawn()
      })
    }

    it('is out of use at once when that was notified, and back when it is enabled again', async () => {
      open({ secret: TOKEN, version: 1 })
      await access()
      server.setState(TOKEN, 1, 'DISABLED')
      secrets.onNotification({ eventType: 'SECRET_VERSION_DISABLE', secretId: TOKEN, versionId: `${TOKEN}/versions/1` })
      await withdrawn()
      server.setState(TOKEN, 1, 'ENABLED')
      clock.advance(1000)
      assert.equal(await access(), 'CANARY-1')
    })

    it('invariant 10: is not used again while Secret Manager does not answer', async () => {
      open({ secret: TOKEN, version: 1 })
      await access()
      secrets.onNotification({ eventType: 'SECRET_VERSION_DESTROY', secretId: TOKEN })
      server.fault = () => new GrpcFault('UNAVAILABLE')
      assert.ok(await failed() instanceof PortUnavailable)
    })

    for (const status of ['PERMISSION_DENIED', 'NOT_FOUND'] as const) {
      it(`invariant 10: ${status} takes the held value away, however young it is`, async () => {
        open({ secret: TOKEN, version: 1 })
        await access()
        clock.advance(30_000)
        server.fault = () => new GrpcFault(status)
        await withdrawn()
        server.fault = () => new GrpcFault('UNAVAILABLE')
        clock.advance(1000)
        assert.ok(await failed() instanceof PortUnavailable)
      })
    }
  })

  describe('an outage', () => {
    const outages: readonly GrpcStatus[] = ['UNAVAILABLE', 'DEADLINE_EXCEEDED', 'INTERNAL', 'RESOURCE_EXHAUSTED', 'UNAUTHENTICATED', 'UNKNOWN', 'ABORTED']
    for (const status of outages) {
      it(`invariant 10: ${status} is PortUnavailable, tried twice and then not for a second`, async () => {
        open({ secret: TOKEN, version: 1 })
        server.fault = () => new GrpcFault(status)
        assert.ok(await failed() instanceof PortUnavailable)
        await failed()
        assert.equal(server.calls.length, 2)
        clock.advance(1000)
        server.fault = undefined
        assert.equal(await access(), 'CANARY-1')
      })
    }

    it('invariant 10: a server that does not answer is given up', async () => {
      open({ secret: TOKEN, version: 1 }, { timeoutMs: 30 })
      server.fault = () => 'silence'
      assert.ok(await failed() instanceof PortUnavailable)
    })

    it('one failure that passes is not noticed', async () => {
      open({ secret: TOKEN, version: 1 })
      server.fault = () => server.calls.length === 1 ? new GrpcFault('UNAVAILABLE') : undefined
      assert.equal(await access(), 'CANARY-1')
    })

    it('the held value serves for five minutes since it was confirmed, and not a millisecond longer', async () => {
      open({ secret: TOKEN, version: 1 })
      await access()
      server.fault = () => new GrpcFault('UNAVAILABLE')
      clock.advance(299_999)
      assert.equal(await access(), 'CANARY-1')
      clock.advance(1)
      assert.ok(await failed() instanceof PortUnavailable)
    })
  })

  describe('an answer that is not what was asked for is not used', () => {
    type Answer = Parameters<NonNullable<SecretManagerServer['distort']>>[0]
    const wrong: Readonly<Record<string, (answer: Answer) => Answer>> = {
      'another checksum': (answer) => ({ ...answer, payload: { ...answer.payload, dataCrc32c: 7 } }),
      'no checksum': (answer) => ({ ...answer, payload: { data: answer.payload?.data ?? null } }),
      'a changed payload': (answer) => ({ ...answer, payload: { ...answer.payload, data: Buffer.from('CANARY-9') } }),
      'no payload': ({ name }) => ({ name: name ?? '' }),
      'another version': (answer) => ({ ...answer, name: `${TOKEN}/versions/2` }),
      'another secret': (answer) => ({ ...answer, name: `${resource('other')}/versions/1` }),
      'the same secret of another project': (answer) => ({ ...answer, name: 'projects/other-project/secrets/token/versions/1' }),
      'a version that is none': (answer) => ({ ...answer, name: `${TOKEN}/versions/latest` }),
      'no name': (answer) => ({ ...answer, name: '' }),
      'a payload over 64 KiB': (answer) => ({ ...answer, payload: { data: Buffer.alloc(65_537, 65) } }),
    }
    for (const [what, distort] of Object.entries(wrong)) {
      it(`invariant 10: ${what}`, async () => {
        open({ secret: TOKEN, version: 1 })
        server.distort = distort
        assert.ok(await failed() instanceof PortUnavailable)
      })
    }

    it('a payload that is no text', async () => {
      server.add(resource('bytes'), Buffer.from([0x43, 0xff, 0xfe]))
      open({ secret: resource('bytes'), version: 1 })
      await withdrawn()
    })
  })

  describe('settings that cannot work stop the start', () => {
    const bad: Readonly<Record<string, unknown>> = {
      'a version in the name': { secret: `${TOKEN}/versions/1`, version: 1 },
      'no version': { secret: TOKEN },
      'an alias': { secret: TOKEN, version: 'production' },
      'version 0': { secret: TOKEN, version: 0 },
      'a version as text': { secret: TOKEN, version: '1' },
      'a path that climbs': { secret: 'projects/p-1234/secrets/../x', version: 1 },
      'a name alone': { secret: 'token', version: 1 },
    }
    for (const [what, pin] of Object.entries(bad)) {
      it(what, () => {
        open({ secret: TOKEN, version: 1 })
        assert.throws(() => secrets.replace({ token: pin as SecretPin }), TypeError)
      })
    }

    it('invariant 3: a library that would log payloads', () => {
      process.env['GOOGLE_SDK_NODE_LOGGING'] = 'all'
      try {
        assert.throws(() => secretManagerClient(server.clientOptions), /GOOGLE_SDK_NODE_LOGGING/)
      } finally {
        delete process.env['GOOGLE_SDK_NODE_LOGGING']
      }
    })

    it('invariant 14: channel credentials of one\'s own for another machine', () => {
      assert.throws(() => secretManagerClient({ ...server.clientOptions, apiEndpoint: 'secrets.example' }), TypeError)
    })
  })

  it('without any credentials of its own it is an outage, and the process lives', async () => {
    const names = ['GOOGLE_APPLICATION_CREDENTIALS', 'METADATA_SERVER_DETECTION'] as const
    const before = names.map((name) => process.env[name])
    process.env['GOOGLE_APPLICATION_CREDENTIALS'] = '/nonexistent'
    process.env['METADATA_SERVER_DETECTION'] = 'none'
    const unable = secretManagerSecrets({ secrets: { token: { secret: TOKEN, version: 1 } } }, { client: secretManagerClient() })
    try {
      open({ secret: TOKEN, version: 1 })
      await assert.rejects(unable.access('token'), PortUnavailable)
    } finally {
      await unable.close()
      names.forEach((name, index) => { if (before[index] === undefined) delete process.env[name]; else process.env[name] = before[index] })
    }
  })

  it('invariant 3: nothing that the source shows of itself holds a secret', async () => {
    open({ secret: TOKEN, version: 1 })
    await access()
    assert.ok(!inspect(secrets, { depth: 9, showHidden: true }).includes('CANARY'))
    assert.ok(!JSON.stringify(lines).includes('CANARY'))
  })
})
