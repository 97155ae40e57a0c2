import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { openClient } from './client.ts'

describe('Pub/Sub: the client', () => {
  it('of an emulator asks no metadata server, which would keep its process where there is none', async () => {
    let asked = 0
    const server = createServer((_request, response) => {
      asked += 1
      response.writeHead(404).end()
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const before = { ...process.env }
    process.env['GCE_METADATA_HOST'] = `127.0.0.1:${(server.address() as AddressInfo).port}`
    delete process.env['METADATA_SERVER_DETECTION']
    delete process.env['GOOGLE_APPLICATION_CREDENTIALS']
    try {
      const client = openClient({ projectId: 'test-project', emulator: '127.0.0.1:1' })
      assert.equal(await client.auth.getUniverseDomain(), 'googleapis.com')
      assert.equal(asked, 0)
      await client.close()
    } finally {
      Object.assign(process.env, before)
      if (before['GCE_METADATA_HOST'] === undefined) delete process.env['GCE_METADATA_HOST']
      server.close()
    }
  })

  it('dials either an emulator or an endpoint of the real service', () => {
    assert.throws(() => openClient({ projectId: 'test-project', emulator: '127.0.0.1:1', endpoint: 'pubsub.example.com:443' }), TypeError)
    for (const endpoint of ['localhost:1', '127.0.0.1:443', 'pubsub.example.com']) assert.throws(() => openClient({ projectId: 'test-project', endpoint }), TypeError)
  })
})
