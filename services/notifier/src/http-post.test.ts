import assert from 'node:assert/strict'
import type { lookup } from 'node:dns'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it } from 'mocha'
import { createPost } from './http-post.ts'

describe('one POST', () => {
  let server: Server
  let port = 0
  before(async () => {
    server = createServer((request, response) => {
      if (request.url?.startsWith('/endless') === true) {
        const more = (): void => { if (!response.destroyed && response.write('x'.repeat(65_536))) setImmediate(more) }
        response.on('drain', more)
        more()
      } else if (request.url?.startsWith('/ok') === true) response.end('{"ok":true}')
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    port = (server.address() as AddressInfo).port
  })
  after(() => {
    server.closeAllConnections()
    server.close()
  })
  const to = (host: string, path = '/ok') => ({ url: new URL(`http://${host}:${port}${path}?key=canary`), headers: {}, body: '{}' })
  const answering = (...addresses: readonly string[]) => ((_name: string, _options: object, callback: (error: null, found: object) => void) => callback(null, addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })))) as unknown as typeof lookup

  for (const host of ['127.0.0.1', '[::1]', '169.254.169.254', '10.0.0.1', '192.168.1.1', '[::ffff:127.0.0.1]', '[fd00::1]', '0.0.0.0', '2130706433', '0x7f.1']) {
    it(`invariant 12: ${host} is not dialled where only public addresses may be`, async () => {
      const posted = await createPost({ privateAddresses: false })(to(host))
      assert.equal(posted.kind, 'failed')
      assert.match(posted.kind === 'failed' ? posted.why : '', /loopback, link-local or private/)
    })
  }

  for (const address of ['127.0.0.1', '169.254.169.254', '::1', 'fe80::1', '::ffff:10.0.0.1']) {
    it(`invariant 12: a name that resolves to ${address} is not dialled`, async () => {
      const posted = await createPost({ privateAddresses: false, lookup: answering(address) })(to('hooks.example.com'))
      assert.match(posted.kind === 'failed' ? posted.why : '', /loopback, link-local or private/)
    })
  }

  it('where settings allow it, a private address is dialled', async () => {
    assert.deepEqual(await createPost({ privateAddresses: true, lookup: answering('127.0.0.1') })(to('hooks.example.com')), { kind: 'answer', status: 200, body: '{"ok":true}' })
  })

  it('a receiver that never answers, or answers without end, is left after its time', async () => {
    const post = createPost({ privateAddresses: true, withinMs: 200 })
    assert.deepEqual(await post(to('127.0.0.1', '/silent')), { kind: 'failed', why: 'no answer within 200 ms' })
    const endless = await createPost({ privateAddresses: true })(to('127.0.0.1', '/endless'))
    assert.deepEqual(endless, { kind: 'failed', why: 'the answer is over 256 KiB' })
  })

  it('invariant 3: why it failed names neither path nor query', async () => {
    const unused = new URL('http://127.0.0.1:1/hook?key=canary')
    const posted = await createPost({ privateAddresses: true })({ url: unused, headers: {}, body: '' })
    assert.deepEqual(posted, { kind: 'failed', why: 'ECONNREFUSED' })
  })
})
