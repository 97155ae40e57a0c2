/** For tests: upstreams on loopback under the test's control, one that speaks HTTP and one that sends whatever bytes it is told to. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTcp, type AddressInfo, type Socket } from 'node:net'

export interface Seen { readonly verb: string, readonly url: string, readonly headers: Readonly<Record<string, string>>, readonly rawHeaders: readonly string[], body: Buffer, complete: boolean, /** Answers before the request has ended. */ readonly respond: (status: number, body: string) => void }

export interface TestUpstream {
  readonly origin: string
  readonly port: number
  /** Requests in order of their heads; bodies fill up as they come. Without the gateway's own reads. */
  readonly seen: readonly Seen[]
  /** The gateway's own reads. */
  readonly reads: readonly Seen[]
  /** How it answers those: with a state by default. */
  state: (request: IncomingMessage, response: ServerResponse) => void
  /** How it answers; may be changed at any time. The body is in `seen` when the request has ended. */
  answer: (request: IncomingMessage, response: ServerResponse, seen: Seen) => void
  stop(): Promise<void>
}

const json = (value: unknown) => (_request: IncomingMessage, response: ServerResponse): void => {
  response.writeHead(200, { 'content-type': 'application/json; charset=UTF-8' }).end(JSON.stringify(value))
}

/** Answers once the request has ended, with `{}` unless told otherwise. Keeps at most 64 MiB of bodies. */
export async function startUpstream(): Promise<TestUpstream> {
  const seen: Seen[] = []
  const reads: Seen[] = []
  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    const one: Seen = { verb: request.method ?? '', url: request.url ?? '', headers: request.headers as Record<string, string>, rawHeaders: request.rawHeaders, body: Buffer.alloc(0), complete: false, respond: (status, body) => void response.writeHead(status, { 'content-type': 'application/json' }).end(body) }
    const own = isOwnRead(request)
    ;(own ? reads : seen).push(one)
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.once('end', () => {
      one.body = Buffer.concat(chunks)
      one.complete = true
      if (own) upstream.state(request, response)
      else upstream.answer(request, response, one)
    })
    request.on('error', () => { one.body = Buffer.concat(chunks) })
  })
  server.on('checkContinue', (request, response) => {
    response.writeContinue()
    server.emit('request', request, response)
  })
  const port = await listen(server)
  const upstream: TestUpstream = { origin: `http://127.0.0.1:${port}`, port, seen, reads, answer: json({}), state: json(STATE), stop: () => stop(server) }
  return upstream
}

/** What any getter answers. */
export const STATE = { name: 'dev', generation: '7', metageneration: '3', etag: 'BwX=', labels: { team: 'a' } }

function isOwnRead({ headers }: IncomingMessage): boolean {
  return headers['user-agent'] === 'lockkeeper-own-read'
}

export interface RawUpstream {
  readonly origin: string
  /** What each connection has sent so far. */
  readonly received: readonly { text: string, ended: boolean }[]
  /** Called for each connection once a request head has come in full. */
  script: (socket: Socket, head: string) => void
  stop(): Promise<void>
}

export async function startRawUpstream(script: RawUpstream['script']): Promise<RawUpstream> {
  const received: { text: string, ended: boolean }[] = []
  const sockets = new Set<Socket>()
  const server = createTcp((socket) => {
    const one = { text: '', ended: false }
    received.push(one)
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.once('close', () => {
      one.ended = true
      sockets.delete(socket)
    })
    let told = false
    socket.on('data', (chunk) => {
      one.text += chunk.toString('latin1')
      if (one.text.includes('\r\nuser-agent: lockkeeper-own-read\r\n') && one.text.endsWith('\r\n\r\n')) {
        if (received.includes(one)) received.splice(received.indexOf(one), 1)
        one.text = ''
        return void socket.write(`HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${JSON.stringify(STATE).length}\r\n\r\n${JSON.stringify(STATE)}`)
      }
      if (told || !one.text.includes('\r\n\r\n')) return
      told = true
      raw.script(socket, one.text)
    })
  })
  const port = await listen(server)
  const raw: RawUpstream = {
    origin: `http://127.0.0.1:${port}`, received, script,
    async stop() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
  return raw
}

async function listen(server: ReturnType<typeof createTcp>): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

async function stop(server: ReturnType<typeof createServer>): Promise<void> {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
}
