import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { tempDir } from '@lockkeeper/testkit'
import { clientOf, localClientOf } from '../commands/admin-option.ts'
import { CommandFailed, WrongUse } from '../command-failed.ts'
import { openAdminClient } from './admin-client.ts'
import { remotePlace } from './admin-place.ts'

describe('commands over the network', () => {
  let server: Server
  let origin: string
  const seen: IncomingMessage[] = []
  let answer: (response: ServerResponse) => void = (response) => void response.end('{"locks":[]}')
  const directory = tempDir()
  const tokenFile = join(directory, 'token')
  before(async () => {
    writeFileSync(tokenFile, 'ey.token.value\n')
    server = createServer((request, response) => {
      seen.push(request)
      answer(response)
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  beforeEach(() => { seen.length = 0 })
  after(() => {
    server.closeAllConnections()
    server.close()
  })

  it('a command carries the operator\'s token to the service and nowhere else', async () => {
    answer = (response) => void response.end('{"locks":[]}')
    assert.deepEqual(await clientOf({ gateway: origin, tokenFile }).get('/v1/locks'), { locks: [] })
    assert.deepEqual([seen[0]?.headers.authorization, seen[0]?.headers['x-serverless-authorization'], seen[0]?.headers.host], ['Bearer ey.token.value', 'Bearer ey.token.value', new URL(origin).host])
    answer = (response) => void response.writeHead(302, { location: `${origin}/elsewhere` }).end('{}')
    await clientOf({ gateway: origin, tokenFile }).get('/v1/locks')
    assert.deepEqual(seen.map(({ url }) => url), ['/v1/locks', '/v1/locks'])
  })

  it('a refusal is told in the service\'s own words', async () => {
    answer = (response) => void response.writeHead(403).end(JSON.stringify({ title: 'CALLER_REFUSED', detail: 'The token\'s owner may not use this interface.' }))
    await assert.rejects(clientOf({ gateway: origin, tokenFile }).get('/v1/locks'), /may not use this interface/)
  })

  it('a stream of lines comes over the network too', async () => {
    answer = (response) => void response.end('{"a":1}\n{"a":2}\n')
    const lines: string[] = []
    await clientOf({ gateway: origin, tokenFile }).lines('/v1/audit/tail', (line) => lines.push(line), new AbortController().signal)
    assert.deepEqual(lines, ['{"a":1}', '{"a":2}'])
  })

  for (const address of ['http://approval.example', 'ftp://127.0.0.1', 'https://user@approval.example', 'https://approval.example/path', 'https://approval.example/?a=b', 'approval.example', '']) {
    it(`a token is not sent to ${JSON.stringify(address)}`, () => assert.throws(() => clientOf({ gateway: address, tokenFile }), WrongUse))
  }

  it('what has no token, no service or no gateway says so', async () => {
    const of = (file: string) => openAdminClient(remotePlace(origin, { tokenFile: file })).get('/v1/locks')
    writeFileSync(join(directory, 'none'), 'this is\nno token')
    await assert.rejects(of(join(directory, 'gone')), CommandFailed)
    await assert.rejects(of(join(directory, 'none')), /holds no ID token/)
    await assert.rejects(openAdminClient(remotePlace('http://127.0.0.1:1', { tokenFile })).get('/v1/locks'), /cannot be reached/)
    assert.throws(() => clientOf({ admin: join(directory, 'no.sock') }), CommandFailed)
    assert.throws(() => clientOf({ tokenFile }), WrongUse)
    assert.throws(() => localClientOf({ gateway: origin }, 'there, look elsewhere'), /look elsewhere/)
  })
})
