import assert from 'node:assert/strict'
import { fork, type ChildProcess } from 'node:child_process'
import { createHash, type Hash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, request as httpRequest, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

const MIB = 1024 * 1024
/** LONG_TESTS=1 sends 1 GiB each way; 256 MiB show the same slope. */
const SIZE = process.env['LONG_TESTS'] === '1' ? 1024 * MIB : 256 * MIB
const GROWTH = 64 * MIB

/** A megabyte that differs from its neighbours, so that a lost or doubled piece changes the hash. */
const block = Buffer.from(Array.from({ length: MIB }, (_, at) => (at * 7919) % 251))
function* blocks(size: number): Generator<Buffer> {
  for (let at = 0; at < size; at += MIB) {
    block.writeUInt32LE(at, 0)
    yield Buffer.from(block)
  }
}
async function pour(size: number, into: NodeJS.WritableStream): Promise<string> {
  const hash = createHash('md5')
  for (const one of blocks(size)) {
    hash.update(one)
    if (!into.write(one)) await once(into, 'drain')
  }
  into.end()
  return hash.digest('hex')
}
async function drain(from: IncomingMessage, hash: Hash = createHash('md5')): Promise<string> {
  for await (const chunk of from) hash.update(chunk as Buffer)
  return hash.digest('hex')
}

describe('large bodies', function () {
  this.timeout(60_000)
  let upstream: Server
  let child: ChildProcess
  let where: { origin: string, authorization: string }
  let down: Promise<string> | undefined
  let up: Promise<string> | undefined
  before(async () => {
    upstream = createServer((request, response) => {
      if (request.method === 'GET') {
        const size = Number(new URL(request.url ?? '', 'http://x').searchParams.get('generation'))
        response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': size })
        down = pour(size, response)
        return
      }
      up = drain(request)
      void up.then(() => response.writeHead(200, { 'content-type': 'application/json' }).end('{}'))
    }).listen(0, '127.0.0.1')
    await once(upstream, 'listening')
    child = fork(new URL('../testing/big-stream.ts', import.meta.url), [`http://127.0.0.1:${(upstream.address() as AddressInfo).port}`], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
    ;[where] = await once(child, 'message') as [typeof where]
  })
  after(async () => {
    child.send('end')
    await once(child, 'exit')
    upstream.closeAllConnections()
    upstream.close()
  })

  const send = async (method: string, path: string, size: number): Promise<string> => {
    const request = httpRequest(where.origin + path, { method, agent: false, headers: { authorization: where.authorization, ...(method === 'POST' ? { 'content-type': 'application/octet-stream', 'content-length': size } : {}) } })
    const answered = once(request, 'response') as Promise<[IncomingMessage]>
    const sent = method === 'POST' ? pour(size, request) : void request.end()
    const [response] = await answered
    const received = await drain(response)
    return method === 'POST' ? await sent ?? '' : received
  }
  const ask = async <T>(message: string): Promise<T> => {
    child.send(message)
    const [answer] = await once(child, 'message') as [T]
    return answer
  }
  const upload = (size: number): Promise<string> => send('POST', '/storage.googleapis.com/upload/storage/v1/b/dev/o?uploadType=media&name=x', size)
  const download = (size: number): Promise<string> => send('GET', `/storage.googleapis.com/storage/v1/b/dev/o/x?alt=media&generation=${size}`, size)

  for (const [direction, run, far] of [['up', upload, () => up], ['down', download, () => down]] as const) {
    it(`${SIZE / MIB} MiB ${direction} come through byte for byte, and the gateway grows by less than 64 MiB`, async () => {
      await run(48 * MIB)
      await ask('reset')
      assert.equal(await run(SIZE), await far())
      const { growth } = await ask<{ growth: number }>('measure')
      assert.ok(growth < GROWTH, `${Math.round(growth / MIB)} MiB`)
    })
  }
})
