import assert from 'node:assert/strict'
import { PortUnavailable } from '@lockkeeper/domain/ports'
import { GrpcFault, type GrpcStatus } from '@lockkeeper/testkit'
import { secretManagerClient, secretManagerSecrets, type SecretPin } from './index.ts'
import type { SecretManagerServer } from './testing/secret-manager-server.ts'
import { resource, SecretRoom, TOKEN } from './testing/secret-room.ts'

describe('google-cloud: Secret Manager, failing', () => {
  let room: SecretRoom
  beforeEach(async () => { room = await SecretRoom.open() })
  afterEach(() => room.close())

  describe('an outage', () => {
    const outages: readonly GrpcStatus[] = ['UNAVAILABLE', 'DEADLINE_EXCEEDED', 'INTERNAL', 'RESOURCE_EXHAUSTED', 'UNAUTHENTICATED', 'UNKNOWN', 'ABORTED']
    for (const status of outages) {
      it(`invariant 10: ${status} is PortUnavailable, tried twice and then not for a second`, async () => {
        room.use({ secret: TOKEN, version: 1 })
        room.server.fault = () => new GrpcFault(status)
        assert.ok(await room.failure() instanceof PortUnavailable)
        await room.failure()
        assert.equal(room.server.calls.length, 2)
        room.clock.advance(1000)
        room.server.fault = undefined
        assert.equal(await room.access(), 'CANARY-1')
      })
    }

    it('invariant 10: a server that does not answer is given up', async () => {
      room.use({ secret: TOKEN, version: 1 }, { timeoutMs: 30 })
      room.server.fault = () => 'silence'
      assert.ok(await room.failure() instanceof PortUnavailable)
    })

    it('a held value is not kept waiting by a slow Secret Manager, and is still taken away by its refusal', async () => {
      room.use({ secret: TOKEN, version: 1 }, { waitMs: 20, timeoutMs: 150 })
      await room.access()
      room.clock.advance(30_000)
      room.server.fault = () => 'silence'
      assert.equal(await room.access(), 'CANARY-1')
      // The second attempt of the same fetch.
      room.server.fault = () => new GrpcFault('PERMISSION_DENIED')
      for (let isServed = true; isServed;) isServed = await room.access().then((value) => value === 'CANARY-1', () => false)
      await room.isWithdrawn()
    })

    it('one failure that passes is not noticed', async () => {
      room.use({ secret: TOKEN, version: 1 })
      room.server.fault = () => room.server.calls.length === 1 ? new GrpcFault('UNAVAILABLE') : undefined
      assert.equal(await room.access(), 'CANARY-1')
    })

    it('the held value serves for five minutes since it was confirmed, and not a millisecond longer', async () => {
      room.use({ secret: TOKEN, version: 1 })
      await room.access()
      room.server.fault = () => new GrpcFault('UNAVAILABLE')
      room.clock.advance(299_999)
      assert.equal(await room.access(), 'CANARY-1')
      room.clock.advance(1)
      assert.ok(await room.failure() instanceof PortUnavailable)
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
        room.use({ secret: TOKEN, version: 1 })
        room.server.distort = distort
        assert.ok(await room.failure() instanceof PortUnavailable)
      })
    }

    it('a payload that is no text', async () => {
      room.server.add(resource('bytes'), Buffer.from([0x43, 0xff, 0xfe]))
      room.use({ secret: resource('bytes'), version: 1 })
      await room.isWithdrawn()
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
        room.use({ secret: TOKEN, version: 1 })
        assert.throws(() => room.secrets.replace({ token: pin as SecretPin }), TypeError)
      })
    }

    it('invariant 3: a library that would log payloads', () => {
      process.env['GOOGLE_SDK_NODE_LOGGING'] = 'all'
      try {
        assert.throws(() => secretManagerClient(room.server.clientOptions), /GOOGLE_SDK_NODE_LOGGING/)
      } finally {
        delete process.env['GOOGLE_SDK_NODE_LOGGING']
      }
    })

    it('invariant 14: channel credentials of one\'s own for another machine', () => {
      assert.throws(() => secretManagerClient({ ...room.server.clientOptions, apiEndpoint: 'secrets.example' }), TypeError)
      assert.throws(() => secretManagerClient({ ...room.server.clientOptions, servicePath: 'secrets.example' }), TypeError)
    })
  })

  it('without any credentials of its own it is an outage, and the process lives', async () => {
    const names = ['GOOGLE_APPLICATION_CREDENTIALS', 'METADATA_SERVER_DETECTION'] as const
    const before = names.map((name) => process.env[name])
    process.env['GOOGLE_APPLICATION_CREDENTIALS'] = '/nonexistent'
    process.env['METADATA_SERVER_DETECTION'] = 'none'
    const unable = secretManagerSecrets({ secrets: { token: { secret: TOKEN, version: 1 } } }, { client: secretManagerClient() })
    try {
      room.use({ secret: TOKEN, version: 1 })
      await assert.rejects(unable.access('token'), PortUnavailable)
    } finally {
      await unable.close()
      names.forEach((name, index) => { if (before[index] === undefined) delete process.env[name]; else process.env[name] = before[index] })
    }
  })
})
