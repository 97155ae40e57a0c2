import assert from 'node:assert/strict'
import type { CredentialSource } from '@lockkeeper/domain/ports'
import type { Target } from '../targets.ts'
import { ForbiddenAddress, isForbidden } from '@lockkeeper/service-kit'
import { createUpstreams, type Upstreams } from './upstreams.ts'

const target = (changes: Partial<Target> = {}): Target => ({ name: 'api', hosts: ['api.example.com'], kind: 'http', credential: {} as CredentialSource, ...changes })

describe('addresses of upstreams', () => {
  const forbidden = [
    '127.0.0.1', '127.1.2.3', '0.0.0.0', '10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1', '169.254.169.254', '100.64.0.1', '192.0.2.1', '198.18.0.1', '224.0.0.1', '240.0.0.1', '255.255.255.255',
    '::', '::1', '[::1]', '::ffff:127.0.0.1', '::ffff:7f00:1', '::ffff:10.0.0.1', '::ffff:0:127.0.0.1', '::127.0.0.1', '64:ff9b::7f00:1', '64:ff9b::a9fe:a9fe', '2002:7f00:1::', '2001:db8::1', 'fc00::1', 'fd00:ec2::254', 'fe80::1', 'fe80::1%eth0', 'fec0::1', 'ff02::1',
    '2130706433', '0x7f000001', '0X7F.1', '0177.0.0.1', '127.1', '017700000001',
  ]
  for (const address of forbidden) it(`${address} is refused`, () => assert.equal(isForbidden(address), true))
  for (const address of ['8.8.8.8', '172.32.0.1', '142.250.1.1', '2607:f8b0::1', '[2a00:1450::1]', 'storage.googleapis.com', '0x.example.com'.slice(2)]) it(`${address} may be dialled`, () => assert.equal(isForbidden(address), false))
})

describe('connections to upstreams', () => {
  let upstreams: Upstreams | undefined
  afterEach(() => upstreams?.close())

  type Lookup = NonNullable<Parameters<typeof createUpstreams>[0]['lookup']>
  const answering = (...addresses: readonly string[]): Lookup => ((_name: string, _options: object, callback: (error: null, found: { address: string, family: number }[]) => void) => {
    callback(null, addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })))
  }) as never
  const dial = (lookup: Lookup, one = target()): Promise<unknown> => {
    upstreams = createUpstreams({ headersMs: 1000, bodyMs: 1000, connectMs: 500, lookup })
    return upstreams.pool(one, 'api.example.com', false).request({ method: 'GET', path: '/' })
  }

  for (const address of ['127.0.0.1', '169.254.169.254', '10.1.2.3', '::1', '::ffff:127.0.0.1', 'fd00:ec2::254']) {
    it(`a name that resolves to ${address} is not dialled`, () => assert.rejects(dial(answering(address)), ForbiddenAddress))
  }

  it('the address that is checked is the one that is dialled: a name that changes in between gains nothing', async () => {
    const asked: string[] = []
    const rebinding = ((name: string, options: object, callback: never) => {
      asked.push(name)
      return (answering(asked.length === 1 ? '10.0.0.1' : '127.0.0.1') as unknown as (n: string, o: object, c: never) => void)(name, options, callback)
    }) as never
    await assert.rejects(dial(rebinding), ForbiddenAddress)
    assert.equal(asked.length, 1)
  })

  it('of several addresses only the public ones are tried', async () => {
    await assert.rejects(dial(answering('127.0.0.1', '::1', '10.0.0.1')), ForbiddenAddress)
  })

  for (const host of ['127.0.0.1', '[::1]', '0x7f000001', '2130706433', '0177.0.0.1', '127.0x0.0.1', '[::ffff:7f00:1]', '169.254.169.254']) {
    it(`the literal ${host} is refused before anything is dialled`, () => {
      upstreams = createUpstreams({ headersMs: 1000, bodyMs: 1000 })
      assert.throws(() => upstreams?.pool(target(), host, false), ForbiddenAddress)
    })
  }

  it('a target that names its upstream names its address', () => {
    upstreams = createUpstreams({ headersMs: 1000, bodyMs: 1000 })
    assert.ok(upstreams.pool(target({ upstream: 'http://127.0.0.1:1' }), 'api.example.com', false))
    assert.ok(upstreams.pool(target({ allowPrivateAddresses: true }), '127.0.0.1', true))
  })

  it('reads and changes have pools of their own, one for each origin and target', () => {
    upstreams = createUpstreams({ headersMs: 1000, bodyMs: 1000 })
    const one = target()
    const read = upstreams.pool(one, 'api.example.com', false)
    assert.equal(upstreams.pool(one, 'api.example.com', false), read)
    assert.notEqual(upstreams.pool(one, 'api.example.com', true), read)
    assert.notEqual(upstreams.pool(target({ name: 'other' }), 'api.example.com', false), read)
  })

  it('a target that was changed is not dialled on the connections that it had before: its trust may be another', () => {
    upstreams = createUpstreams({ headersMs: 1000, bodyMs: 1000 })
    const before = upstreams.pool(target({ allowPrivateAddresses: true }), '127.0.0.1', false)
    assert.throws(() => upstreams?.pool(target(), '127.0.0.1', false), ForbiddenAddress)
    assert.notEqual(upstreams.pool(target({ certificateAuthority: 'pem' }), 'api.example.com', false), before)
  })
})
