import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request as httpsRequest } from 'node:https'
import { connect as connectTcp, createServer, type AddressInfo, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { systemClock } from '@lockkeeper/domain'
import { tempDir } from '@lockkeeper/testkit'
import { openCertificateAuthority, type CertificateAuthority } from '../doors/certificate-authority.ts'
import { call, rawClient, readResponse, type Response } from '../testing/raw-client.ts'
import { startTestProxy, type TestProxy } from '../testing/test-proxy.ts'
import { startUpstream, type TestUpstream } from '../testing/test-upstream.ts'

const HOST = 'storage.googleapis.com'

describe('the forward door', () => {
  let upstream: TestUpstream
  let test: TestProxy
  let authority: CertificateAuthority
  const far = createServer((socket) => void socket.on('data', (chunk) => socket.write(`far:${chunk.toString()}`)))
  let farPort = 0
  before(async () => {
    far.listen(0, '127.0.0.1')
    await once(far, 'listening')
    farPort = (far.address() as AddressInfo).port
    upstream = await startUpstream()
    authority = await openCertificateAuthority(tempDir(), ['*.googleapis.com'], systemClock)
    test = await startTestProxy({ upstream: upstream.origin, listen: { forward: { authority, tunnel: ['registry.example', `localhost:${farPort}`] } } })
  })
  after(async () => {
    await test.stop()
    await upstream.stop()
    far.close()
  })

  const tunnel = async (to: string, early = ''): Promise<{ socket: Socket, status: number, head: string }> => {
    const socket = connectTcp({ host: '127.0.0.1', port: test.port })
    socket.on('error', () => socket.destroy())
    socket.write(`CONNECT ${to} HTTP/1.1\r\nHost: ${to}\r\n\r\n${early}`)
    let head = ''
    while (!head.includes('\r\n\r\n')) head += String((await once(socket, 'data'))[0])
    return { socket, status: Number(head.slice(9, 12)), head }
  }
  const secure = async (to = `${HOST}:443`, servername = HOST): Promise<TLSSocket> => {
    const { socket } = await tunnel(to)
    const tls = connectTls({ socket, servername, ca: authority.certificate })
    await once(tls, 'secureConnect')
    return tls
  }
  const ask = async (tls: TLSSocket, path: string, headers: Record<string, string> = {}): Promise<Response> => {
    const { promise, resolve, reject } = Promise.withResolvers<Response>()
    const request = httpsRequest({ createConnection: () => tls, host: HOST, path, headers: { host: HOST, ...test.bearer(), ...headers } }, (response) => { readResponse(response).then(resolve, reject) })
    request.on('error', reject)
    request.end()
    return promise
  }

  it('ends TLS for targets, and their links stay as they are', async () => {
    upstream.answer = (_request, response) => void response.writeHead(200, { 'content-type': 'application/json' }).end('{"mediaLink":"https://storage.googleapis.com/download/x"}')
    const answer = await ask(await secure(), '/storage/v1/b/dev')
    assert.equal(answer.text(), '{"mediaLink":"https://storage.googleapis.com/download/x"}')
    assert.equal((await test.outcomes(1))[0]?.door, 'forward')
  })

  for (const [to, status] of [
    ['evil.example:443', 403], [`${HOST}:80`, 403], [`${HOST}:8443`, 403], ['127.0.0.1:443', 403], ['169.254.169.254:80', 403], ['[::1]:443', 403], ['googleapis.com.evil.example:443', 403], ['registry.example:22', 403], ['metadata.google.internal:80', 403],
    [HOST, 400], [`${HOST}.:443`, 400], [`user@${HOST}:443`, 400], [`${HOST}:443/x`, 400], ['http://storage.googleapis.com:443', 400],
  ] as const) {
    it(`CONNECT to ${to} is refused and recorded`, async () => {
      const before = test.records.length
      const opened = await tunnel(to)
      assert.equal(opened.status, status)
      opened.socket.destroy()
      while (!test.records.slice(before).some((one) => one.kind === 'outcome' && one.verb === 'CONNECT' && one.result === 'refused')) await new Promise((resolve) => setTimeout(resolve, 5))
    })
  }

  it('another Host inside the tunnel is ambiguous', async () => {
    assert.equal((await ask(await secure(), '/bigquery/v2/projects', { host: 'bigquery.googleapis.com' })).reason(), 'REQUEST_AMBIGUOUS')
  })

  it('another name in the handshake ends it', async () => {
    const { socket } = await tunnel(`${HOST}:443`)
    const tls = connectTls({ socket, servername: 'bigquery.googleapis.com', ca: authority.certificate })
    await assert.rejects(once(tls, 'secureConnect'))
  })

  it('a handshake that comes right behind the CONNECT is read', async () => {
    const { socket } = await tunnel(`${HOST}:443`, '\u0016')
    socket.destroy()
    const direct = connectTcp({ host: '127.0.0.1', port: test.port })
    // The client's hello is caught and sent in one packet with the CONNECT.
    const hello = await clientHello()
    direct.write(Buffer.concat([Buffer.from(`CONNECT ${HOST}:443 HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`), hello]))
    let bytes = Buffer.alloc(0)
    while (!bytes.includes('\r\n\r\n') || bytes.length < bytes.indexOf('\r\n\r\n') + 20) bytes = Buffer.concat([bytes, (await once(direct, 'data'))[0] as Buffer])
    assert.equal(bytes[bytes.indexOf('\r\n\r\n') + 4], 0x16, 'a server hello')
    direct.destroy()
  })

  it('50 tunnels at once to one host need one certificate', async () => {
    const contexts = await Promise.all(Array.from({ length: 50 }, () => authority.contextFor('compute.googleapis.com')))
    assert.equal(new Set(contexts).size, 1)
  })

  it('tunnels by configuration pass bytes unseen, at the port that is named only', async () => {
    const { socket, status } = await tunnel(`localhost:${farPort}`)
    assert.equal(status, 200)
    socket.write('hello')
    assert.equal(String((await once(socket, 'data'))[0]), 'far:hello')
    socket.destroy()
    const other = await tunnel(`localhost:${farPort + 1}`)
    assert.equal(other.status, 403)
    other.socket.destroy()
  })

  it('the authority cannot vouch for a host that is no target', async () => {
    const context = await authority.contextFor('evil.example')
    const { createServer: createTlsServer } = await import('node:tls')
    const server = createTlsServer({ SNICallback: (_name, answer) => answer(null, context) }, (socket) => socket.end())
    server.on('tlsClientError', () => undefined)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const tls = connectTls({ host: '127.0.0.1', port: (server.address() as AddressInfo).port, servername: 'evil.example', ca: authority.certificate })
    const [error] = await once(tls, 'error') as [NodeJS.ErrnoException]
    assert.match(`${error.code} ${error.message}`, /permitted|subtree/i)
    server.close()
  })

  it('stopping ends idle tunnels, decrypted or not, and open handshakes', async () => {
    const stopping = await startTestProxy({ upstream: upstream.origin, listen: { forward: { authority, tunnel: [`localhost:${farPort}`] } } })
    const port = stopping.port
    const sockets = await Promise.all([`${HOST}:443`, `localhost:${farPort}`, `${HOST}:443`].map(async (to) => {
      const client = await rawClient(port, `CONNECT ${to} HTTP/1.1\r\nHost: ${to}\r\n\r\n`)
      await client.until(/200 Connection/)
      return client
    }))
    const tls = connectTls({ socket: (sockets[2] as { socket: Socket }).socket, servername: HOST, ca: authority.certificate })
    tls.on('error', () => undefined)
    await once(tls, 'secureConnect')
    const started = performance.now()
    await stopping.proxy.drain(1000)
    assert.ok(performance.now() - started < 900)
    await stopping.stop()
  })

  async function clientHello(): Promise<Buffer> {
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const tls = connectTls({ host: '127.0.0.1', port: (server.address() as AddressInfo).port, servername: HOST })
    tls.on('error', () => undefined)
    const [socket] = await once(server, 'connection') as [Socket]
    const [hello] = await once(socket, 'data') as [Buffer]
    tls.destroy()
    socket.destroy()
    server.close()
    return hello
  }
})

describe('the path door', () => {
  let upstream: TestUpstream
  let test: TestProxy
  before(async () => {
    upstream = await startUpstream()
    test = await startTestProxy({ upstream: upstream.origin, listen: { doors: { path: true, domain: 'gw.example' } } })
  })
  after(async () => {
    await test.stop()
    await upstream.stop()
  })
  const get = (path: string, headers: Record<string, string> = {}): Promise<Response> => call(test.origin, path, { headers: { ...test.bearer(), ...headers } })

  for (const path of ['/storage/v1/b/dev', '/download/storage/v1/b/dev/o/x?alt=media', '/bigquery/v2/projects/p/datasets']) {
    it(`a client that drops the host still means its API: ${path}`, async () => {
      assert.equal((await get(path)).status, 200)
      assert.equal(upstream.seen.at(-1)?.url, path)
      assert.match(upstream.seen.at(-1)?.headers['host'] ?? '', /^(?:storage|bigquery)\.googleapis\.com$/)
    })
  }
  for (const [path, reason] of [
    ['/evil.example/x', 'TARGET_UNKNOWN'], ['/169.254.169.254/x', 'NOT_FOUND'], ['/localhost/x', 'NOT_FOUND'], ['/STORAGE.googleapis.com/storage/v1/b', 'NOT_FOUND'], ['/storage.googleapis.com./storage/v1/b', 'NOT_FOUND'], ['/storage.googleapis.com:80/x', 'NOT_FOUND'],
    ['/storage.googleapis.com/../x', 'REQUEST_AMBIGUOUS'], ['/storage.googleapis.com//storage/v1/b', 'REQUEST_AMBIGUOUS'], ['/x.storage.googleapis.com/b', 'METHOD_UNKNOWN'], ['/batch/storage/v1', 'METHOD_UNKNOWN'],
  ] as const) {
    it(`${path} is ${reason}`, async () => {
      const before = upstream.seen.length
      assert.equal((await get(path)).reason(), reason)
      assert.equal(upstream.seen.length, before)
    })
  }

  it('the domain door goes by the host, and links lead back to it', async () => {
    upstream.answer = (_request, response) => void response.writeHead(200, { 'content-type': 'application/json' }).end('{"l":"https://storage.googleapis.com/a"}')
    const answer = await get('/storage/v1/b/dev', { host: 'storage.gw.example:8443' })
    assert.equal(answer.text(), '{"l":"http://storage.gw.example:8443/a"}')
    while (!test.records.some(({ kind, ...one }) => kind === 'outcome' && 'door' in one && one.door === 'domain')) await new Promise((resolve) => setTimeout(resolve, 5))
  })
  for (const [host, reason] of [['evil.gw.example', 'METHOD_UNKNOWN'], ['a.storage.gw.example', 'METHOD_UNKNOWN'], ['storage.gw.example.', 'NOT_FOUND'], ['gw.example', 'NOT_FOUND'], ['storage.gw.example@evil', 'REQUEST_INVALID'], ['sto rage.gw.example', 'REQUEST_INVALID']] as const) {
    it(`Host ${host} is ${reason}`, async () => {
      const client = await rawClient(test.port, `GET /x/y HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${test.token()}\r\nConnection: close\r\n\r\n`)
      assert.match(await client.until(/\r\n\r\n\{.*\}$/s), new RegExp(reason))
    })
  }

  const smuggled: readonly (readonly [string, string, RegExp])[] = [
    ['two lengths', 'Content-Length: 5\r\nContent-Length: 6\r\n', /^HTTP\/1\.1 400/], ['a length and chunks', 'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n', /^HTTP\/1\.1 400/], ['a length with a sign', 'Content-Length: +5\r\n', /^HTTP\/1\.1 400/],
    ['an unknown transfer encoding', 'Transfer-Encoding: xchunked\r\n', /^HTTP\/1\.1 400/], ['chunked that is not last', 'Transfer-Encoding: chunked, identity\r\n', /^HTTP\/1\.1 400/], ['a space before the colon', 'Transfer-Encoding : chunked\r\n', /^HTTP\/1\.1 400/],
    ['NUL in a header', 'X-A: a\u0000b\r\n', /^HTTP\/1\.1 400/], ['a bare CR', 'X-A: a\rX-B: b\r\n', /^HTTP\/1\.1 400/], ['two hosts', 'Host: evil.example\r\n', /REQUEST_AMBIGUOUS/],
    ['two tokens', 'Authorization: Bearer x\r\n', /TOKEN_INVALID/], ['a method override', 'X-HTTP-Method-Override: DELETE\r\n', /REQUEST_AMBIGUOUS/], ['an override in disguise', 'X_HTTP_Method_Override: DELETE\r\n', /REQUEST_AMBIGUOUS/], ['a listed header with meaning', 'Connection: if-match\r\nIf-Match: "x"\r\n', /REQUEST_AMBIGUOUS/],
  ]
  for (const [title, headers, expected] of smuggled) {
    it(`invariant 2: a request with ${title} is refused and not dialled`, async () => {
      const before = upstream.seen.length
      const client = await rawClient(test.port, `DELETE /storage.googleapis.com/storage/v1/b/dev HTTP/1.1\r\nHost: gw\r\nAuthorization: Bearer ${test.token()}\r\n${headers}\r\n${/Length|Encoding/.test(headers) ? '5\r\nhello\r\n0\r\n\r\n' : ''}`)
      await client.until(expected)
      client.socket.destroy()
      assert.equal(upstream.seen.length, before)
    })
  }
})
