/** The upstream of the benchmark: raw sockets and ready-made bytes, so that it costs next to nothing. Prints its port. */
import { createServer, type Socket } from 'node:net'

const SMALL_BYTES = 1003
const LIST_BYTES = 4 * 1024 * 1024
const HUGE_BYTES = 1024 ** 3
const HUGE_CHUNK = Buffer.alloc(256 * 1024, 'lockkeeper ')

const small = answer(objectOf(SMALL_BYTES))
const list = answer(listOf(LIST_BYTES))

createServer({ noDelay: true }, (socket) => {
  let rest = ''
  socket.setEncoding('latin1')
  socket.on('error', () => socket.destroy())
  socket.on('data', (chunk: string) => {
    const requests = (rest + chunk).split('\r\n\r\n')
    rest = requests.pop() ?? ''
    for (const request of requests) reply(socket, request)
  })
}).listen(0, '127.0.0.1', function (this: { address(): unknown }) {
  process.stdout.write(`${(this.address() as { port: number }).port}\n`)
})

function reply(socket: Socket, request: string): void {
  const path = request.slice(request.indexOf(' ') + 1, request.indexOf(' HTTP/'))
  if (path.includes('/o/huge')) stream(socket)
  else socket.write(path.includes('/o/') ? small : list)
}

/** 1 GiB, as fast as the reader takes it. */
function stream(socket: Socket): void {
  let left = HUGE_BYTES
  socket.write(`HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: ${HUGE_BYTES}\r\n\r\n`)
  const more = (): void => {
    while (left > 0) {
      left -= HUGE_CHUNK.length
      if (!socket.write(HUGE_CHUNK)) return void socket.once('drain', more)
    }
  }
  more()
}

function answer(json: string): Buffer {
  return Buffer.from(`HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=UTF-8\r\nDate: Tue, 24 Nov 2026 08:00:00 GMT\r\nETag: "abc"\r\nContent-Length: ${Buffer.byteLength(json)}\r\n\r\n${json}`)
}

/** An object's metadata as Cloud Storage shows it, with one e-mail address. */
function objectOf(bytes: number): string {
  const object = {
    kind: 'storage#object', id: 'bench/report.csv/1700000000000000', selfLink: 'https://www.googleapis.com/storage/v1/b/bench/o/report.csv', name: 'report.csv', bucket: 'bench',
    generation: '1700000000000000', metageneration: '1', contentType: 'text/csv', storageClass: 'STANDARD', size: '18231', md5Hash: 'CY9rzUYh03PK3k6DJie09g==', crc32c: 'AAAAAA==',
    timeCreated: '2026-11-24T08:00:00.000Z', updated: '2026-11-24T08:00:00.000Z', owner: { entity: 'user-jane.doe@example.com' }, metadata: { note: '' },
  }
  const missing = bytes - JSON.stringify(object).length
  object.metadata.note = 'lorem ipsum dolor sit amet '.repeat(40).slice(0, missing)
  return JSON.stringify(object)
}

function listOf(bytes: number): string {
  const item = objectOf(SMALL_BYTES)
  return `{"kind":"storage#objects","items":[${Array.from({ length: Math.floor(bytes / (item.length + 1)) }, () => item).join(',')}]}`
}
