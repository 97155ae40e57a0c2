/**
 * The load of the benchmark, over raw sockets with keep-alive and one request at a time on each. Two ways: as fast as it goes
 * (closed loop), or at a fixed rate (open loop: latency counts from the planned time, so that a stall is not hidden).
 * Arguments as JSON in argv[2]; prints a JSON result.
 */
import { connect, type Socket } from 'node:net'

export interface LoadOptions {
  readonly port: number
  readonly path: string
  readonly token: string
  readonly seconds: number
  readonly connections: number
  /** Requests per second; undefined: as fast as it goes. */
  readonly rate?: number
}

export interface LoadResult { readonly rps: number, readonly p50: number, readonly p99: number, readonly max: number, readonly requests: number, readonly errors: number }

interface Connection { readonly socket: Socket, planned: number, need: number, seen: string }

export function run(options: LoadOptions): Promise<LoadResult> {
  const request = `GET ${options.path} HTTP/1.1\r\nHost: 127.0.0.1:${options.port}\r\nAuthorization: Bearer ${options.token}\r\nAccept: application/json\r\nUser-Agent: bench\r\n\r\n`
  const latencies: number[] = []
  const idle: Connection[] = []
  const queue: number[] = []
  let errors = 0
  let ending = false
  const { promise, resolve } = Promise.withResolvers<LoadResult>()
  const started = performance.now()
  const send = (connection: Connection, planned: number): void => {
    connection.planned = planned
    connection.socket.write(request)
  }
  const done = (connection: Connection, ok: boolean): void => {
    if (ok) latencies.push(performance.now() - connection.planned)
    else errors++
    if (ending) return
    if (options.rate === undefined) return send(connection, performance.now())
    const next = queue.shift()
    if (next === undefined) idle.push(connection)
    else send(connection, next)
  }
  for (let index = 0; index < options.connections; index++) open(options.port, (connection) => options.rate === undefined ? send(connection, performance.now()) : idle.push(connection), done)
  const pace = options.rate === undefined ? undefined : pacer(options.rate, (planned) => {
    const connection = idle.pop()
    if (connection === undefined) queue.push(planned)
    else send(connection, planned)
  })
  setTimeout(() => {
    ending = true
    clearInterval(pace)
    const seconds = (performance.now() - started) / 1000
    latencies.sort((left, right) => left - right)
    const at = (share: number): number => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? NaN
    resolve({ rps: latencies.length / seconds, p50: at(0.5), p99: at(0.99), max: at(1), requests: latencies.length, errors })
  }, options.seconds * 1000)
  return promise
}

function open(port: number, ready: (connection: Connection) => void, done: (connection: Connection, ok: boolean) => void): void {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  const connection: Connection = { socket, planned: 0, need: 0, seen: '' }
  socket.on('connect', () => ready(connection))
  socket.on('error', () => done(connection, false))
  let ok = true
  socket.on('data', (chunk) => {
    if (connection.need > 0) connection.need -= chunk.length
    else {
      connection.seen += chunk.toString('latin1', 0, Math.min(chunk.length, 4096))
      const end = connection.seen.indexOf('\r\n\r\n')
      if (end === -1) return
      ok = connection.seen.startsWith('HTTP/1.1 200')
      const length = /\r\ncontent-length: (\d+)/i.exec(connection.seen)
      // Bytes of this chunk beyond the head belong to the body.
      connection.need = Number(length?.[1] ?? 0) - (chunk.length - (end + 4 - (connection.seen.length - Math.min(chunk.length, 4096))))
      connection.seen = ''
    }
    if (connection.need <= 0) {
      connection.need = 0
      done(connection, ok)
    }
  })
}

/** Timers are coarser than the rate, so each tick sends what is due. */
function pacer(rate: number, due: (planned: number) => void): NodeJS.Timeout {
  let next = performance.now()
  return setInterval(() => {
    const now = performance.now()
    for (; next <= now; next += 1000 / rate) due(next)
  }, 1)
}

if (import.meta.main) {
  process.stdout.write(`${JSON.stringify(await run(JSON.parse(process.argv[2] ?? '{}') as LoadOptions))}\n`)
  // Its connections are kept alive by the proxies for longer than anybody wants to wait.
  process.exit()
}
