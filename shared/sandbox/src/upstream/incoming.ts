/** Reading what arrives: whole bodies, the host that was meant, path and query apart. */
import type { IncomingMessage } from 'node:http'

/** Names the meant Google host where a client cannot set `Host`. */
const HOST_HEADER = 'x-lockkeeper-sandbox-host'

/** What arrived of the body. A client that left makes it incomplete; bytes over `most` are dropped and told. */
export async function readBody(request: IncomingMessage, most: number): Promise<{ readonly body: Buffer, readonly complete: boolean, readonly tooLarge: boolean }> {
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size <= most) chunks.push(chunk)
    }
  } catch (error) {
    // The client went away; what it sent up to there still counts for a resumable upload.
    if (request.destroyed) return { body: Buffer.concat(chunks), complete: false, tooLarge: false }
    throw error
  }
  return { body: Buffer.concat(chunks), complete: request.complete, tooLarge: size > most }
}

/** The Google host that was meant; undefined when the request names the sandbox's own address. */
export function meantHost(request: IncomingMessage): string | undefined {
  const named = request.headers[HOST_HEADER] ?? request.headers.host ?? ''
  const host = (Array.isArray(named) ? named[0] ?? '' : named).toLowerCase().replace(/:\d+$/, '')
  return host === '127.0.0.1' || host === 'localhost' || host === '' ? undefined : host
}

export function splitOnce(text: string, separator: string): readonly string[] {
  const at = text.indexOf(separator)
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)]
}
