/**
 * Tests only: HTTP/2 between one consumer and Pub/Sub's emulator. The emulator does not notice that a consumer was killed: it goes on
 * sending it half of all messages, and some of them never come again. Here whoever is gone has ended its streams, as Pub/Sub itself sees it.
 */
import { once } from 'node:events'
import { connect, constants, createServer, type ClientHttp2Session, type ClientHttp2Stream, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2'
import type { AddressInfo } from 'node:net'

export interface ConsumerLink {
  /** `host:port`, in the emulator's place. */
  readonly host: string
  close(): Promise<void>
}

const ignore = (): void => undefined

export async function startConsumerLink(emulator: string): Promise<ConsumerLink> {
  const sessions = new Set<ClientHttp2Session | ServerHttp2Session>()
  const keep = <S extends ClientHttp2Session | ServerHttp2Session>(session: S): S => {
    sessions.add(session)
    return session.on('error', ignore).once('close', () => sessions.delete(session)) as S
  }
  const server = createServer().on('session', (client) => {
    const onward = keep(connect(`http://${emulator}`))
    keep(client).on('stream', (stream, headers) => join(stream, onward.request(headers, { endStream: false })))
    // The streams of a connection that is gone end first.
    client.once('close', () => onward.close())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      for (const session of sessions) session.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

function join(stream: ServerHttp2Stream, request: ClientHttp2Stream): void {
  let trailers = {}
  stream.on('error', ignore).on('wantTrailers', () => stream.sendTrailers(trailers)).once('close', () => request.end())
  stream.pipe(request)
  request.on('trailers', (last) => { trailers = last }).on('error', () => stream.destroy()).on('response', (headers, flags) => {
    if (stream.destroyed) return void request.resume()
    const isWhole = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0
    stream.respond(headers, isWhole ? { endStream: true } : { waitForTrailers: true })
    if (!isWhole) request.pipe(stream)
  })
}
