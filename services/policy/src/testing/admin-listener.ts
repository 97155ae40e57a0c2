/** Test-only: the service's routes on a port of loopback. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import type { PolicyService } from '../service.ts'

export interface Answered {
  readonly status: number
  readonly type: string
  readonly etag: string | null
  readonly body: Readonly<Record<string, unknown>>
}

export interface AdminListener {
  ask(method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<Answered>
  close(): Promise<void>
}

export async function listenFor(service: PolicyService): Promise<AdminListener> {
  const server = createServer(express().use(service.routes))
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
  return {
    async ask(method, path, body, headers = {}) {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`
      const response = await fetch(url, { method, headers: { 'content-type': 'application/json', ...headers }, ...(body === undefined ? {} : { body: JSON.stringify(body) }) })
      return { status: response.status, type: response.headers.get('content-type') ?? '', etag: response.headers.get('etag'), body: await response.json() as Answered['body'] }
    },
    close: () => new Promise((resolve) => {
      server.closeAllConnections()
      server.close(() => resolve())
    }),
  }
}
