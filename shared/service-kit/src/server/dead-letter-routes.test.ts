import { strict as assert } from 'node:assert'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { anEvent } from '@lockkeeper/testkit'
import express from 'express'
import { deadLetterRoutes } from './dead-letter-routes.ts'

const TOKEN = `eyJ${'a'.repeat(20)}.${'b'.repeat(20)}.${'c'.repeat(20)}`

describe('routes of dead letters', () => {
  const letter = { id: 'dl_approval-decisions.17', topic: 'decisions', subscription: 'approval-decisions', event: anEvent({ proof: { kind: 'idToken', token: TOKEN } }, 'decision.submitted'), error: 'Error: no', at: 1 }
  const asked: string[] = []
  const events = {
    async deadLetters(limit: number) {
      asked.push(String(limit))
      return [letter]
    },
    async redrive(id: string) {
      asked.push(id)
      return id === letter.id
    },
  }
  let server: Server
  let origin: string
  before(async () => {
    server = createServer(express().use(deadLetterRoutes(events))).listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  beforeEach(() => { asked.length = 0 })
  after(() => new Promise((resolve) => server.close(resolve)))

  it('list what there is, without the tokens that it carries', async () => {
    const answer = await fetch(`${origin}/v1/events/dead?limit=7`)
    const text = await answer.text()
    assert.equal(answer.headers.get('cache-control'), 'no-store')
    assert.doesNotMatch(text, /eyJ/)
    const { dead: [first] } = JSON.parse(text) as { readonly dead: readonly (typeof letter)[] }
    assert.deepEqual(first, { ...letter, event: { ...letter.event, data: { proof: { kind: 'idToken', token: '[struck out]' } } } })
    assert.deepEqual(asked, ['7'])
  })

  for (const limit of ['0', '1001', '1.5', 'many', '', '1&limit=2', '1&more=2']) {
    it(`refuse a limit of ${JSON.stringify(limit)}`, async () => {
      assert.equal((await fetch(`${origin}/v1/events/dead?limit=${limit}`)).status, 400)
      assert.deepEqual(asked, [])
    })
  }

  it('give one back, and say so when there is none', async () => {
    assert.deepEqual(await (await fetch(`${origin}/v1/events/dead/${letter.id}/redrive`, { method: 'POST' })).json(), { redriven: true })
    assert.equal((await fetch(`${origin}/v1/events/dead/dl_x/redrive`, { method: 'POST' })).status, 404)
    assert.deepEqual(asked, [letter.id, 'dl_x'])
  })
})
