import assert from 'node:assert/strict'
import { isRefusal } from '@lockkeeper/domain/errors'
import { PortUnavailable, type AccessRequest, type ApprovalApi, type Claim } from '@lockkeeper/domain/ports'
import { after, afterEach, before, beforeEach, describe, it } from 'mocha'
import { deletion, PATTERN } from '../test/deletions.ts'
import { failingAt } from '../test/failing-documents.ts'
import { granted, openWorld, person, refusedWith, requestedEvent, submittedEvent, QUIET, TERMINAL, type World } from '../test/harness.ts'
import { createApprovalService, type ApprovalService } from './service.ts'

const answer = { status: 200, headers: [], body: Buffer.from('done') }

describe('approvals across a restart', () => {
  let world: World
  beforeEach(async () => { world = await openWorld() })
  afterEach(() => world.close())

  it('a lock holds over a restart', async () => {
    const request = await world.raise()
    granted(await world.service().admin.setLock({ scope: { kind: 'everything' }, reason: 'stop', by: 'op' }))
    await world.reopen()
    assert.equal(refusedWith(await world.decide(request, 'bo')), 'AGENT_LOCKED')
  })

  it('a decision used before a restart is refused after it', async () => {
    const request = await world.raise({ terms: { quorum: 2 } })
    const decision = world.signed(request, 'bo', 'approve')
    granted(await world.service().admin.decide(decision))
    await world.reopen()
    assert.equal(refusedWith(await world.service().admin.decide(decision)), 'TOKEN_INVALID')
  })

  it('a stored answer that was written just before the process ended, and never named, is removed at the next start', async () => {
    const request = await world.raise()
    const orphan = `receipts/${Buffer.from(request.id).toString('hex')}/0011`
    await world.blobs.create(orphan, Buffer.from('sealed'))
    await world.reopen()
    await world.service().start()
    const gone = async (): Promise<void> => {
      while (await world.blobs.read(orphan) !== undefined) await new Promise(setImmediate)
    }
    await gone()
    await world.service().drain()
  })
})

describe('approvals on a process that is killed', () => {
  let world: World
  before(async () => { world = await openWorld() })
  after(() => world.close())

  interface Run { readonly dials: number, readonly lostClaims: number }

  /** A proxy and an approver that do their part until it is heard, as redelivery and re-sending do; a claim that is not heard is never dialled. */
  async function runWith(serviceFor: (step: number) => ApprovalService, request: AccessRequest): Promise<Run> {
    let step = 0
    let dials = 0
    let lostClaims = 0
    const heard = async <T>(work: (service: ApprovalService) => Promise<T>): Promise<T | undefined> => {
      try {
        return await work(serviceFor(step))
      } catch (cause) {
        if (!(cause instanceof PortUnavailable)) throw cause
        step += 1
        return undefined
      }
    }
    const until = async (work: (service: ApprovalService) => Promise<unknown>): Promise<void> => {
      for (let tries = 0; tries < 3; tries += 1) {
        const before = step
        await heard(work)
        if (step === before) return
      }
      throw new Error('it was never heard')
    }
    const requested = requestedEvent(request)
    const decided = submittedEvent(world.signed(request, 'bo', 'approve'), world.clock.now())
    await until((service) => handle(service, 'approval-access', requested))
    await until((service) => handle(service, 'approval-decisions', decided))
    let claim: Claim | undefined
    for (let tries = 0; tries < 3 && claim === undefined; tries += 1) {
      const result = await heard((service) => claimOn(service.api, request))
      if (result === undefined) lostClaims += 1
      else if (!isRefusal(result)) claim = result
    }
    if (claim !== undefined) {
      const { fence } = claim
      dials += 1
      await until((service) => service.api.complete({ approval: request.id, fence, outcome: { kind: 'answered', status: 200, delivered: false, answer } }))
    }
    return { dials, lostClaims }
  }

  const handle = async (service: ApprovalService, name: string, event: ReturnType<typeof requestedEvent>): Promise<void> => {
    await service.subscriptions.find(({ options }) => options.name === name)?.handle({ event, attempt: 1 })
  }
  const claimOn = (api: ApprovalApi, { id, attach, decision }: AccessRequest) => api.claim({ approval: id, attach, decisionHash: decision.hash, holder: 'proxy' })

  const serviceOn = (documents: Parameters<typeof createApprovalService>[0]['documents']): ApprovalService => createApprovalService({
    documents, events: world.store().events, blobs: world.blobs, clock: world.clock, people: world.people, receiptKey: Buffer.alloc(32, 7),
    terminalKeys: [{ publicKey: TERMINAL.publicKey, persons: [person('bo')] }], log: QUIET,
  }, { mode: 'sandbox' })

  for (const effect of [false, true]) {
    it(`invariant 5: killed at any use of the store (${effect ? 'after' : 'before'} its commit), nothing is lost and nothing is claimable twice`, async () => {
      let ended = false
      let claimsLost = 0
      for (let n = 1; !ended; n += 1) {
        assert.ok(n < 100, 'the script has an end')
        const request = world.ask()
        const first = failingAt(world.store().documents, n, effect)
        const [dying, fresh] = [serviceOn(first), serviceOn(world.store().documents)]
        const { dials, lostClaims } = await runWith((step) => step === 0 ? dying : fresh, request)
        ended = !first.failed()
        claimsLost += lostClaims
        const state = await world.state(request)
        const wanted = dials === 1 ? 'answered' : 'claimed'
        assert.equal(state, wanted, `killed at use ${n}`)
        assert.ok(dials === 1 || effect, 'only a claim that was committed unheard keeps the call from being dialled')
        assert.ok(isRefusal(await claimOn(fresh.api, request)))
      }
      assert.ok(claimsLost > 0, 'a kill met the claim itself')
      world.clock.advance(600_000)
      while (await world.service().sweep() > 0);
    })
  }

  for (const effect of [false, true]) {
    it(`invariant 5: killed at any use of the store (${effect ? 'after' : 'before'} its commit) while a grant is given or used, there is one grant and one use`, async () => {
      let ended = false
      for (let n = 1; !ended; n += 1) {
        assert.ok(n < 100, 'the script has an end')
        const first = await world.raise({ agent: { id: `grants-${String(effect)}-${n}` }, call: deletion('first') })
        const failing = failingAt(world.store().documents, n, effect)
        const fresh = serviceOn(world.store().documents)
        const deliver = async (name: string, event: ReturnType<typeof requestedEvent>): Promise<void> => {
          try {
            await handle(serviceOn(failing), name, event)
          } catch (cause) {
            if (!(cause instanceof PortUnavailable)) throw cause
          }
          await handle(fresh, name, event)
        }
        await deliver('approval-decisions', submittedEvent(world.signed(first, 'bo', 'approve', { grant: PATTERN }), world.clock.now()))
        const use = world.ask({ agent: first.agent, call: deletion('use') })
        await deliver('approval-access', requestedEvent(use))
        ended = !failing.failed()
        assert.deepEqual([await world.state(first), await world.state(use)], ['approved', 'approved'], `killed at use ${n}`)
        const { grant, uses } = granted(await world.service().admin.showGrant(first.id.replace('apr_', 'grt_')))
        assert.deepEqual([grant.used, uses.map(({ approval }) => approval)], [1, [use.id]])
      }
    })
  }
})
