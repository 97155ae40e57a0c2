import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { isRefusal } from '@lockkeeper/domain/errors'
import { onlyFor } from '@lockkeeper/service-kit/server'
import express from 'express'
import { operatorOf, speaksForPersons } from './named-operator.ts'

describe('who acts', () => {
  /** What is written down of a request of this caller. */
  async function written(caller: string | undefined, said: string | undefined): Promise<string> {
    const app = express()
    if (caller !== undefined) app.use(onlyFor(async () => ({ email: caller })))
    app.use(speaksForPersons(new Set(['console@acme.example'])))
    app.get('/', (request, response) => {
      const by = operatorOf(request, said)
      response.send(isRefusal(by) ? by.reason : by)
    })
    const server = createServer(app).listen(0, '127.0.0.1')
    await once(server, 'listening')
    try {
      return await (await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`, { headers: { connection: 'close' } })).text()
    } finally {
      server.close()
    }
  }

  const cases: readonly (readonly [string | undefined, string | undefined, string])[] = [
    [undefined, 'ada', 'ada'], [undefined, undefined, 'REQUEST_INVALID'], ['kim@acme.example', 'ada', 'kim@acme.example'], ['kim@acme.example', undefined, 'kim@acme.example'],
    ['console@acme.example', 'ada', 'ada (through console@acme.example)'], ['console@acme.example', undefined, 'console@acme.example'],
    ['console@acme.example.evil.example', 'ada', 'console@acme.example.evil.example'],
  ]
  for (const [caller, said, wanted] of cases) it(`${caller ?? 'the socket'} that says ${said ?? 'nobody'} is written down as ${wanted}`, async () => assert.equal(await written(caller, said), wanted))
})
