/** Test-only: the service's routes on a port of loopback. Every answer must be one of those that are described. */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { answerFaults } from '@lockkeeper/service-kit/openapi'
import express from 'express'
import { POLICY_OPERATIONS } from '../api/policy-operations.ts'
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
      const [type, text] = [response.headers.get('content-type') ?? '', await response.text()]
      assert.deepEqual(answerFaults(POLICY_OPERATIONS, ['INTERNAL'], { method, path, status: response.status, type, body: text }), [])
      return { status: response.status, type, etag: response.headers.get('etag'), body: JSON.parse(text) as Answered['body'] }
    },
    close: () => new Promise((resolve) => {
      server.closeAllConnections()
      server.close(() => resolve())
    }),
  }
}
