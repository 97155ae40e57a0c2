import { strict as assert } from 'node:assert'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CloudEvent } from '@lockkeeper/domain/events'
import { readBatchData } from './batch-event.ts'
import { followChain } from './writer-chain.ts'
import type { TrustedKey } from './signatures.ts'

const fixture = (name: string): unknown => JSON.parse(readFileSync(join(import.meta.dirname, '../fixtures', name), 'utf8'))
const event = fixture('record.batch.v1.json') as CloudEvent<string, { readonly lines: readonly string[] }>
const key = fixture('record.batch.v1.key.json') as TrustedKey

describe('golden record batch', () => {
  it('invariant 8: the first version of record.batch is read for ever, its chain and signatures verify', () => {
    const read = readBatchData(event.data)
    assert.ok(read)
    assert.equal(read.batch.bodies.length, 1)
    const step = followChain(undefined, read.sealed, read.batch.lines, [key])
    assert.equal(step.fault, undefined)
  })

  it('invariant 8: one changed byte of it is found', () => {
    const [first = '', ...others] = event.data.lines
    const read = readBatchData({ ...event.data, lines: [first.replace('DELETE', 'GET'), ...others] })
    assert.ok(read)
    assert.equal(followChain(undefined, read.sealed, read.batch.lines, [key]).fault?.kind, 'record-changed')
  })
})
