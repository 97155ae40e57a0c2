import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CloudEvent } from '@lockkeeper/domain/events'
import { readAccessRequest } from './access-request.ts'

const event = JSON.parse(readFileSync(join(import.meta.dirname, '../fixtures/access.requested.v1.json'), 'utf8')) as CloudEvent<string, Record<string, unknown>>

describe('golden access request', () => {
  it('the first version of access.requested is read for ever, and its digest still holds', () => {
    const read = readAccessRequest(event.data, 'sandbox')
    assert.ok('request' in read, JSON.stringify(read))
    assert.equal(read.request.id, event.subject)
  })

  it('one changed byte of its call is found by the digest', () => {
    const call = event.data['call'] as Record<string, unknown>
    const changed = { ...event.data, call: { ...call, path: `${String(call['path'])}x` } }
    assert.deepEqual(readAccessRequest(changed, 'sandbox'), { problem: 'its digest is not that of its call' })
  })
})
