/** Requests as no client library would write them: the path goes out byte for byte as given. */
import { readFile } from 'node:fs/promises'
import { request as requestPlain } from 'node:http'
import type { RequestOptions } from 'node:http'
import { request as requestTls } from 'node:https'
import type { Readable } from 'node:stream'
import { describeBody } from '../clients/client-report.ts'
import type { Refused } from '../clients/client-report.ts'
import type { TourContext } from './context.ts'

export interface RawReply extends Refused { readonly status: number }

const TIMEOUT_MS = 30_000
const MOST_BODY = 256 * 1024

/** A request to the agent port. `path` begins with `/<host>/` for the path door. */
export async function rawRequest(context: TourContext, method: string, path: string, headers: Readonly<Record<string, string>> = {}): Promise<RawReply> {
  const options = { ...await address(context), method, path, headers: { authorization: `Bearer ${await context.agentToken()}`, ...headers } }
  return new Promise((resolve, reject) => {
    const sent = send(context)(options, (response) => { readReply(response, response.statusCode ?? 0).then(resolve, reject) })
    sent.on('error', reject)
    sent.end()
  })
}

/** Asks the forward door for a tunnel to `authority` (`host:port`). Resolves with the refusal, or status 200 when it opened. */
export async function rawConnect(context: TourContext, authority: string): Promise<RawReply> {
  const options = { ...await address(context), method: 'CONNECT', path: authority }
  return new Promise((resolve, reject) => {
    const sent = send(context)(options)
    // Node takes every answer to CONNECT for a tunnel: a refusal's body is what comes out of it.
    sent.on('connect', (response, socket, head) => {
      const status = response.statusCode ?? 0
      if (status < 300) {
        socket.destroy()
        return resolve({ status, message: '' })
      }
      if (head.length > 0) socket.unshift(head)
      readReply(socket, status).then(resolve, reject)
    })
    sent.on('error', reject)
    sent.end()
  })
}

function send({ gateway }: TourContext): typeof requestPlain {
  return gateway.origin.startsWith('https:') ? requestTls as typeof requestPlain : requestPlain
}

async function address({ gateway }: TourContext): Promise<RequestOptions & { readonly ca?: string }> {
  const { hostname, port, protocol } = new URL(gateway.origin)
  return { hostname, port, agent: false, timeout: TIMEOUT_MS, ...(protocol === 'https:' ? { ca: await readFile(gateway.caFile, 'utf8') } : {}) }
}

async function readReply(stream: Readable, status: number): Promise<RawReply> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size <= MOST_BODY) chunks.push(chunk)
  }
  return { ...describeBody(status, Buffer.concat(chunks), ''), status }
}
