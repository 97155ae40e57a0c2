import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import type { EventData } from '@lockkeeper/domain/events'
import { LockkeeperError } from '@lockkeeper/domain/errors'
import { PortUnavailable, type AccessRequest } from '@lockkeeper/domain/ports'
import { signClick, slackClick, type ClickFields, type SignedClick } from '@lockkeeper/testkit'
import { after, before, describe, it } from 'mocha'
import { granted, openWorld, person, refusedWith, submittedEvent, type World } from '../test/harness.ts'
import type { SubmittedDecision } from './proof.ts'

const SECRET = '8f742231b10e8888abcd99yyyzzz85a5'
const MINUTE = 60_000

describe('decisions by a click in Slack', () => {
  let world: World
  let secret: () => Promise<string> = async () => SECRET
  const disabled = new Set<string>()
  before(async () => {
    world = await openWorld({}, {
      slack: {
        signingSecret: () => secret(), app: 'A0APP', team: 'T0TEAM', enterprise: 'E0ORG', decides: ['high', 'medium', 'change'],
        bySlack: (member) => /^U[A-Z]{2,3}$/.test(member) ? { id: person(member.slice(1).toLowerCase()), name: member, groups: [], identities: [{ slack: member }], disabled: disabled.has(member) } : undefined,
      },
    })
  })
  after(() => world.close())

  const raise = (risk = 'medium'): Promise<AccessRequest> => world.raise({ call: { risk } })
  const clicked = (request: AccessRequest, fields: Partial<ClickFields> = {}): SubmittedDecision => {
    const verdict = fields.verdict ?? 'approve'
    const click = slackClick({ secret: SECRET, at: world.clock.now(), approval: request.id, digest: request.attach.digest, verdict, member: 'UBO', ...fields })
    return carried(request, click, { verdict, ...fields.reason === undefined ? {} : { reason: fields.reason.trim() } })
  }
  const carried = (request: AccessRequest, click: SignedClick, changes: Partial<SubmittedDecision> = {}): SubmittedDecision =>
    ({ approval: request.id, digest: request.attach.digest, verdict: 'approve', ...changes, proof: { kind: 'slack', ...click } })
  const proofOf = (decision: SubmittedDecision): SignedClick => decision.proof as Extract<SubmittedDecision['proof'], { kind: 'slack' }>
  const withBody = (request: AccessRequest, body: string): SubmittedDecision => carried(request, signClick(SECRET, world.clock.now(), body))
  const withPayload = (request: AccessRequest, payload: object): SubmittedDecision => clicked(request, { payload: payload as Record<string, unknown> })

  it('invariant 7: a click that Slack signed decides, with the reason that was typed', async () => {
    const request = await raise()
    assert.equal(granted(await world.service().admin.decide(clicked(request))).state, 'approved')
    const other = await raise()
    assert.equal(granted(await world.service().admin.decide(clicked(other, { verdict: 'deny', reason: ' not today ' }))).state, 'denied')
    const { votes } = granted(await world.service().admin.show(other.id))
    assert.deepEqual(votes.map(({ person: by, reason, proof }) => [by, reason, proof]), [['bo', 'not today', 'slack']])
  })

  it('invariant 7: a member of the organisation that the workspace is part of counts', async () => {
    assert.equal(granted(await world.service().admin.decide(clicked(await raise(), { memberTeam: 'E0ORG' }))).state, 'approved')
  })

  type Hostile = (request: AccessRequest) => unknown
  const button = (value: string, verdict = 'approve') => [{ type: 'button', action_id: `lockkeeper.${verdict}`, value }]
  const HOSTILE: readonly (readonly [string, Hostile, string])[] = [
    ['signed with another secret', (request) => clicked(request, { secret: 'another-secret-of-somebody' }), 'TOKEN_INVALID'],
    ['without a signature', (request) => carried(request, { ...proofOf(clicked(request)), signature: '' }), 'TOKEN_INVALID'],
    ['with a signature of another version', (request) => carried(request, { ...proofOf(clicked(request)), signature: proofOf(clicked(request)).signature.replace('v0=', 'v1=') }), 'TOKEN_INVALID'],
    ['with an upper-case signature', (request) => carried(request, { ...proofOf(clicked(request)), signature: proofOf(clicked(request)).signature.toUpperCase() }), 'TOKEN_INVALID'],
    ['whose body was changed by one byte', (request) => carried(request, { ...proofOf(clicked(request)), body: `${proofOf(clicked(request)).body}&` }), 'TOKEN_INVALID'],
    ['whose time was renewed', (request) => carried(request, { ...proofOf(clicked(request)), timestamp: String(world.clock.now() / 1000 + 1) }), 'TOKEN_INVALID'],
    ['whose time is no number', (request) => carried(request, { ...proofOf(clicked(request)), timestamp: '1e9' }), 'TOKEN_INVALID'],
    ['over five minutes old', (request) => clicked(request, { at: world.clock.now() - 301_000 }), 'TOKEN_INVALID'],
    ['from the future', (request) => clicked(request, { at: world.clock.now() + 61_000 }), 'TOKEN_INVALID'],
    ['in another app', (request) => clicked(request, { app: 'A0OTHER' }), 'TOKEN_INVALID'],
    ['in another workspace', (request) => clicked(request, { team: 'T0OTHER' }), 'TOKEN_INVALID'],
    ['by a guest from another workspace', (request) => clicked(request, { memberTeam: 'T0OTHER' }), 'TOKEN_INVALID'],
    ['by a member whom nobody knows', (request) => clicked(request, { member: 'U0STRANGER' }), 'TOKEN_INVALID'],
    ['by the sponsor', (request) => clicked(request, { member: 'UANA' }), 'POLICY_DENIED'],
    ['by nobody', (request) => withPayload(request, { user: undefined }), 'TOKEN_INVALID'],
    ['about another approval', (request) => ({ ...clicked(request), proof: clicked({ ...request, id: 'apr_other' }).proof }), 'TOKEN_INVALID'],
    ['about another digest', (request) => ({ ...clicked(request), digest: 'full:other' }), 'TOKEN_INVALID'],
    ['whose verdict was turned around', (request) => ({ ...clicked(request, { verdict: 'deny' }), verdict: 'approve' }), 'TOKEN_INVALID'],
    ['whose reason was added on the way', (request) => ({ ...clicked(request), reason: 'fine' }), 'TOKEN_INVALID'],
    ['whose reason was taken away', (request) => carried(request, proofOf(clicked(request, { reason: 'only for the test bucket' }))), 'TOKEN_INVALID'],
    ['on a button of another name', (request) => withPayload(request, { actions: [{ type: 'button', action_id: 'approve', value: '{}' }] }), 'TOKEN_INVALID'],
    ['on a button whose name and value differ', (request) => withPayload(request, { actions: button(JSON.stringify({ v: 1, approval: request.id, digest: request.attach.digest, verdict: 'approve', ref: 'r' }), 'deny') }), 'TOKEN_INVALID'],
    ['whose value has a key twice', (request) => withPayload(request, { actions: button(`{"v":1,"approval":"apr_x","approval":"${request.id}","digest":"${request.attach.digest}","verdict":"approve","ref":"r"}`) }), 'TOKEN_INVALID'],
    ['whose value has a member too many', (request) => withPayload(request, { actions: button(JSON.stringify({ v: 1, approval: request.id, digest: request.attach.digest, verdict: 'approve', ref: 'r', all: true })) }), 'TOKEN_INVALID'],
    ['on two buttons at once', (request) => { const value = JSON.stringify({ v: 1, approval: request.id, digest: request.attach.digest, verdict: 'approve', ref: 'r' }); return withPayload(request, { actions: [...button(value), ...button(value)] }) }, 'TOKEN_INVALID'],
    ['on no button', (request) => withPayload(request, { actions: [] }), 'TOKEN_INVALID'],
    ['of another kind of callback', (request) => withPayload(request, { type: 'view_submission' }), 'TOKEN_INVALID'],
    ['with two payloads', (request) => withBody(request, `${proofOf(clicked(request)).body}&${proofOf(clicked(request, { verdict: 'deny' })).body}`), 'TOKEN_INVALID'],
    ['with another field beside the payload', (request) => withBody(request, `${proofOf(clicked(request)).body}&command=%2Fapprove`), 'TOKEN_INVALID'],
    ['that is no form', (request) => withBody(request, '{"type":"block_actions"}'), 'TOKEN_INVALID'],
    ['of an endless body', (request) => withBody(request, `payload=${'x'.repeat(200_000)}`), 'REQUEST_INVALID'],
  ]
  for (const [what, hostile, reason] of HOSTILE) {
    it(`invariant 7: a click ${what} is refused`, async () => {
      const request = await raise()
      const decision = hostile(request)
      assert.equal(refusedWith(await world.service().admin.decide(decision)), reason)
      await world.deliver(submittedEvent(decision, world.clock.now()))
      assert.equal(await world.state(request), 'pending')
    })
  }

  it('invariant 6: a click by a person who may not approve is refused', async () => {
    const request = await world.raise({ call: { risk: 'medium' }, terms: { reviewers: ['person:cy'] } })
    assert.equal(refusedWith(await world.service().admin.decide(clicked(request))), 'POLICY_DENIED')
    disabled.add('UCY')
    assert.equal(refusedWith(await world.service().admin.decide(clicked(request, { member: 'UCY' }))), 'TOKEN_INVALID')
  })

  it('invariant 7: a click counts once', async () => {
    const request = await world.raise({ call: { risk: 'medium' }, terms: { quorum: 2 } })
    const decision = clicked(request)
    assert.equal(granted(await world.service().admin.decide(decision)).state, 'pending')
    assert.equal(refusedWith(await world.service().admin.decide(decision)), 'TOKEN_INVALID')
    await world.deliver(submittedEvent(decision, world.clock.now()))
    assert.equal(await world.state(request), 'pending')
  })

  for (const risk of ['critical', 'sensitive-read', 'read', 'unheard-of']) {
    it(`invariant 4: a call of class ${risk}, which the settings do not name, is not decided by a click`, async () => {
      assert.equal(refusedWith(await world.service().admin.decide(clicked(await raise(risk)))), 'POLICY_DENIED')
    })
  }

  it('invariant 4: a call that does not fit into a message is not decided by a click', async () => {
    const text = JSON.stringify(Object.fromEntries(Array.from({ length: 60 }, (_, index) => [`k${index}`, index])))
    const request = await world.raise({ call: { risk: 'medium', body: { kind: 'json', text } } })
    assert.equal(refusedWith(await world.service().admin.decide(clicked(request))), 'POLICY_DENIED')
    assert.equal(granted(await world.decide(request, 'bo')).state, 'approved')
  })

  it('what a message can show of a call travels with the request', async () => {
    const request = await world.raise({ call: { risk: 'medium', arguments: { bucket: 'b\u202e' } }, statedReason: 'clean\nup' })
    const shown = await shownOf(request)
    assert.equal(shown.digest, request.attach.digest)
    assert.equal(shown.shown?.whole, true)
    assert.equal(shown.shown?.statedReason, 'clean up')
    assert.ok(shown.shown?.details.includes('bucket = b\\u{202e}'), JSON.stringify(shown.shown?.details))
  })

  async function shownOf(request: AccessRequest): Promise<EventData<'approval.requested'>> {
    const { promise, resolve } = Promise.withResolvers<EventData<'approval.requested'>>()
    const subscription = world.store().events.subscribe({ topic: 'approvals', name: `shown-${request.id}` }, async ({ event }) => {
      if (event.type === 'approval.requested') resolve(event.data as EventData<'approval.requested'>)
    })
    const again = await world.raise({ ...request.statedReason === undefined ? {} : { statedReason: request.statedReason }, call: request.call })
    const found = await promise
    await subscription.close()
    assert.equal(found.approval, again.id)
    return found
  }

  it('invariant 10: while the signing secret cannot be had a click from the bus is given back, not lost', async () => {
    const request = await raise()
    const event = submittedEvent(clicked(request), world.clock.now())
    secret = async () => { throw new LockkeeperError('CREDENTIAL_UNAVAILABLE', 'no such secret') }
    await assert.rejects(world.deliver(event), PortUnavailable)
    assert.equal(refusedWith(await world.service().admin.decide(clicked(request))), 'CREDENTIAL_UNAVAILABLE')
    secret = async () => { throw new PortUnavailable('down') }
    await assert.rejects(world.deliver(event), PortUnavailable)
    secret = async () => ''
    assert.equal(refusedWith(await world.service().admin.decide(clicked(request))), 'TOKEN_INVALID')
    secret = async () => SECRET
    world.clock.advance(MINUTE)
    await world.deliver(event)
    assert.equal(await world.state(request), 'approved')
  })

  it('invariant 3: no click and no signing secret is kept or logged', async () => {
    const decision = clicked(await raise(), { reason: 'kept' })
    granted(await world.service().admin.decide(decision))
    await world.store().close()
    for (const file of readdirSync(world.dir).filter((name) => name.startsWith('store'))) {
      const bytes = readFileSync(`${world.dir}/${file}`)
      for (const text of [proofOf(decision).signature, SECRET]) assert.equal(bytes.includes(text), false, file)
    }
    assert.equal(world.logged.join().includes(SECRET), false)
    await world.reopen()
  })
})

describe('decisions by a click where no Slack app is configured', () => {
  it('invariant 7: it is refused', async () => {
    const world = await openWorld()
    const request = await world.raise({ call: { risk: 'medium' } })
    const click = slackClick({ secret: SECRET, at: world.clock.now(), approval: request.id, digest: request.attach.digest, verdict: 'approve', member: 'UBO' })
    assert.equal(refusedWith(await world.service().admin.decide({ approval: request.id, digest: request.attach.digest, verdict: 'approve', proof: { kind: 'slack', ...click } })), 'TOKEN_INVALID')
    await world.close()
  })
})
