import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { PortUnavailable } from '@lockkeeper/domain/ports'
import { GrpcFault, secretSourceCompliance } from '@lockkeeper/testkit'
import { secretManagerClient, secretManagerSecrets, type SecretPin } from './index.ts'
import { startSecretManagerServer } from './testing/secret-manager-server.ts'
import { resource, SecretRoom, TOKEN } from './testing/secret-room.ts'

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
  let room: SecretRoom
  beforeEach(async () => { room = await SecretRoom.open() })
  afterEach(() => room.close())

  it('the pinned version is what is asked for and what is told, in the words of the settings', async () => {
    room.use({ secret: TOKEN, version: 1 })
    assert.deepEqual(await room.secrets.access('token'), { value: 'CANARY-1', version: `${TOKEN}/versions/1` })
    assert.deepEqual(room.server.calls.map(({ request }) => (request as { name: string }).name), [`${TOKEN}/versions/1`])
    assert.deepEqual(room.lines, [])
  })

  it('`latest` is warned about by name, and the version that it was is told', async () => {
    room.use({ secret: TOKEN, version: 'latest' })
    assert.deepEqual(room.lines.map(({ level, facts }) => [level, facts]), [['warn', { secret: 'token' }]])
    assert.deepEqual(await room.secrets.access('token'), { value: 'CANARY-2', version: `${TOKEN}/versions/2` })
  })

  it('callers that come together wait for one request, later ones for none', async () => {
    room.use({ secret: TOKEN, version: 1 })
    assert.deepEqual(await Promise.all([room.access(), room.access(), room.access()]), ['CANARY-1', 'CANARY-1', 'CANARY-1'])
    room.clock.advance(29_999)
    await room.access()
    assert.equal(room.server.calls.length, 1)
    room.clock.advance(1)
    await room.access()
    assert.equal(room.server.calls.length, 2)
  })

  describe('rotation', () => {
    it('other settings are in force at once: another version, and names that are gone', async () => {
      room.use({ secret: TOKEN, version: 1 })
      assert.equal(await room.access(), 'CANARY-1')
      room.secrets.replace({ token: { secret: TOKEN, version: 2 } })
      assert.equal(await room.access(), 'CANARY-2')
      room.secrets.replace({})
      await room.isWithdrawn()
    })

    it('settings that name the same version leave the held value alone', async () => {
      room.use({ secret: TOKEN, version: 1 })
      await room.access()
      room.secrets.replace({ token: { secret: TOKEN, version: 1 } })
      await room.access()
      assert.equal(room.server.calls.length, 1)
    })

    it('a new version of a `latest` secret is taken up within 30 s, and told', async () => {
      room.use({ secret: TOKEN, version: 'latest' })
      await room.access()
      room.server.add(TOKEN, 'CANARY-3')
      room.clock.advance(29_999)
      assert.equal(await room.access(), 'CANARY-2')
      room.clock.advance(1)
      assert.equal(await room.access(), 'CANARY-3')
      assert.deepEqual(room.lines.at(-1)?.facts, { secret: 'token', version: `${TOKEN}/versions/3` })
    })
  })

  describe('a version that was withdrawn', () => {
    for (const state of ['DISABLED', 'DESTROYED'] as const) {
      it(`is out of use within 30 s when it is ${state}, and back when it is enabled again`, async () => {
        room.use({ secret: TOKEN, version: 1 })
        await room.access()
        room.server.setState(TOKEN, 1, state)
        room.clock.advance(30_000)
        await room.isWithdrawn()
        room.server.setState(TOKEN, 1, 'ENABLED')
        room.clock.advance(1000)
        assert.equal(await room.access(), 'CANARY-1')
      })
    }

    for (const status of ['PERMISSION_DENIED', 'NOT_FOUND'] as const) {
      it(`invariant 10: ${status} takes the held value away, however young it is`, async () => {
        room.use({ secret: TOKEN, version: 1 })
        await room.access()
        room.clock.advance(30_000)
        room.server.fault = () => new GrpcFault(status)
        await room.isWithdrawn()
        room.server.fault = () => new GrpcFault('UNAVAILABLE')
        room.clock.advance(1000)
        assert.ok(await room.failure() instanceof PortUnavailable)
      })
    }
  })

  it('invariant 3: nothing that the source shows of itself holds a secret', async () => {
    room.use({ secret: TOKEN, version: 1 })
    await room.access()
    assert.ok(!inspect(room.secrets, { depth: 9, showHidden: true }).includes('CANARY'))
    assert.ok(!JSON.stringify(room.lines).includes('CANARY'))
  })
})
