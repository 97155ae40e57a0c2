import assert from 'node:assert/strict'
import { manualClock } from '@lockkeeper/testkit'
import { approvals, type ApprovalDocument } from '@lockkeeper/domain/collections'
import { viewApprovals, type ApprovalsView } from './approvals-view.ts'
import { createMemoryDocuments, type MemoryDocuments } from './testing/memory-documents.ts'

const approval = (id: string, changes: Partial<ApprovalDocument> = {}): ApprovalDocument => ({
  kind: 'approval', live: true, id, attachHash: 'k', digest: 'd', decisionHash: 'h', state: 'pending', method: 'm', issuer: 'i', agent: 'a', run: 'r', target: 't', resources: [], at: 1, expiresAt: 9, ...changes,
})

describe('the view of approvals', () => {
  let documents: MemoryDocuments
  let view: ApprovalsView
  beforeEach(() => {
    documents = createMemoryDocuments()
    documents.stop()
    view = viewApprovals(documents, manualClock())
  })
  const put = (one: ApprovalDocument): void => documents.put(approvals.name, one.id, one)

  it('finds the newest request under a key, whichever changed last', () => {
    put(approval('new', { at: 2 }))
    put(approval('old', { at: 1 }))
    assert.equal(view.find('k')?.id, 'new')
    documents.put(approvals.name, 'new', undefined)
    assert.equal(view.find('k'), undefined)
  })

  it('counts an agent\'s waiting requests only', () => {
    put(approval('1'))
    put(approval('2', { state: 'denied' }))
    put(approval('3', { agent: 'b' }))
    assert.equal(view.pendingOf('a'), 1)
  })

  it('tells everyone who waits under the key, once', async () => {
    const [one, two, other] = [view.changed('k', new AbortController().signal), view.changed('k', new AbortController().signal), new AbortController()]
    const elsewhere = view.changed('x', other.signal)
    put(approval('1', { state: 'approved' }))
    assert.deepEqual([(await one)?.state, (await two)?.state], ['approved', 'approved'])
    other.abort()
    assert.equal(await elsewhere, undefined)
  })

  it('five hundred that wait, each under a key of its own, share one watch', async () => {
    let watches = 0
    const counted = viewApprovals({ ...documents, watch: (...given: Parameters<MemoryDocuments['watch']>) => { watches += 1; return documents.watch(...given) } } as MemoryDocuments, manualClock())
    const waiting = Array.from({ length: 500 }, (_, index) => counted.changed(`k${index}`, new AbortController().signal))
    for (let index = 0; index < 500; index++) put(approval(`id${index}`, { attachHash: `k${index}`, state: 'approved' }))
    assert.deepEqual(new Set((await Promise.all(waiting)).map((one) => one?.state)), new Set(['approved']))
    assert.equal(watches, 1)
  })

  it('one that stops waiting is told nothing more, and an ended signal waits not at all', async () => {
    const stop = new AbortController()
    const waiting = view.changed('k', stop.signal)
    stop.abort()
    assert.equal(await waiting, undefined)
    assert.equal(await view.changed('k', stop.signal), undefined)
  })
})
