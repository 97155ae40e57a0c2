import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { readMailLink } from '@lockkeeper/domain/mail-link'
import { collector } from '@lockkeeper/testkit'
import { SMTPServer } from 'smtp-server'
import { after, afterEach, before, describe, it } from 'mocha'
import { lockEvent, noticedEvent, openNotifier, type World } from '../../test/harness.ts'
import type { MailLinks } from '../ports.ts'
import type { NotifySettingsInput } from '../settings.ts'

interface Mail { readonly from: string, readonly to: string, readonly text: string }
type EmailInput = Extract<NotifySettingsInput['channels'][number], { kind: 'email' }>

/** A mail server with its own user, which can be told to refuse the next commands. */
async function startMailServer() {
  const mails = collector<Mail>()
  const refusals: { readonly at: 'MAIL' | 'RCPT' | 'DATA', readonly code: number }[] = []
  const refusal = (at: 'MAIL' | 'RCPT' | 'DATA'): Error | undefined => {
    if (refusals[0]?.at !== at) return undefined
    const { code } = refusals.shift() as { readonly code: number }
    return Object.assign(new Error('secret reason of the server'), { responseCode: code })
  }
  const server = new SMTPServer({
    authOptional: true, disabledCommands: ['STARTTLS'], hideSTARTTLS: true, logger: false,
    onAuth: ({ username, password }, _session, done) => username === 'mailer' && password === 'right-canary' ? done(null, { user: username }) : done(Object.assign(new Error('no'), { responseCode: 535 })),
    onMailFrom: (_address, _session, done) => done(refusal('MAIL')),
    onRcptTo: (_address, _session, done) => done(refusal('RCPT')),
    onData(stream, session, done) {
      let text = ''
      stream.setEncoding('utf8').on('data', (chunk: string) => { text += chunk })
      stream.once('end', () => {
        const refused = refusal('DATA')
        const { mailFrom, rcptTo } = session.envelope
        if (refused === undefined) mails.add({ text, from: mailFrom === false ? '' : mailFrom.address, to: rcptTo.map(({ address }) => address).join() })
        done(refused)
      })
    },
  })
  const listening = server.listen(0, '127.0.0.1')
  await once(listening, 'listening')
  return { port: (listening.address() as AddressInfo).port, mails, refuse: (...next: typeof refusals) => void refusals.push(...next), close: () => new Promise<void>((resolve) => server.close(() => resolve())) }
}

describe('e-mail', () => {
  let server: Awaited<ReturnType<typeof startMailServer>>
  let world: World
  let seen = 0
  before(async () => { server = await startMailServer() })
  after(() => server.close())
  const open = async (changes: Partial<EmailInput> = {}, approvalUrl?: string, mailLinks?: MailLinks): Promise<void> => {
    seen = server.mails.items.length
    const smtp = { host: '127.0.0.1', port: server.port, security: 'none', user: 'mailer', password: 'smtp-password' } as const
    world = await openNotifier({ channels: [{ kind: 'email', name: 'mail', from: 'gate@acme.test', smtp, ...changes }], secrets: { 'smtp-password': 'right-canary' }, ...approvalUrl === undefined ? {} : { approvalUrl }, ...mailLinks === undefined ? {} : { mailLinks } })
  }
  afterEach(() => world.close())
  const mails = (): readonly Mail[] => server.mails.items.slice(seen)
  /** Quoted-printable lines put together again. */
  const unfolded = ({ text }: Mail): string => text.replaceAll('=\r\n', '')
  const headers = ({ text }: Mail): string => text.slice(0, text.indexOf('\r\n\r\n')).replace(/\r\n[ \t]+/g, ' ')

  it('each reviewer with an address has a mail of their own, with a link that decides nothing', async () => {
    await open()
    const approval = await world.ask()
    await world.deliver()
    assert.deepEqual(mails().map(({ from, to }) => `${from} ${to}`).sort(), ['gate@acme.test bo@acme.test', 'gate@acme.test cy@acme.test'])
    const [mail] = mails()
    assert.ok(mail !== undefined)
    assert.match(headers(mail), /Subject: \[lockkeeper\] SANDBOX Approval wanted: Delete bucket b/)
    assert.match(headers(mail), /auto-submitted: auto-generated/i)
    assert.match(headers(mail), /Content-Type: text\/plain/)
    assert.ok(unfolded(mail).includes(`https://console.test/a/${approval}`))
    assert.match(unfolded(mail), /Opening the link decides nothing/)
  })

  it('invariant 7: no mail holds anything that could be sent back to decide', async () => {
    await open()
    await world.ask()
    await world.deliver()
    const refs = (await world.deliveries()).flatMap(({ ref }) => [ref, ref.split('.')[1] ?? ref])
    for (const mail of mails()) for (const ref of refs) assert.equal(unfolded(mail).includes(ref), false)
  })

  it('how it was settled is told only where the settings say so, in the same conversation', async () => {
    await open({ to: ['list@acme.test'], settled: true })
    const approval = await world.ask()
    await world.deliver()
    await world.tell('approval.approved', { approval, by: ['bo'] })
    await world.deliver()
    world.clock.advance(10)
    await world.tell('approval.completed', { approval, outcome: 'answered', status: 200 })
    await world.deliver()
    const [first, second, ...more] = mails()
    assert.deepEqual(more, [])
    assert.ok(first !== undefined && second !== undefined)
    const id = /message-id: (<[^>]+>)/i.exec(headers(first))?.[1] ?? ''
    assert.ok(headers(second).toLowerCase().includes(`in-reply-to: ${id.toLowerCase()}`))
    assert.match(second.text, /Approved and done/)
    assert.match(second.text, /Approved by Bo/)
  })

  it('without that nobody gets a second mail', async () => {
    await open({ to: ['list@acme.test'] })
    const approval = await world.ask()
    await world.deliver()
    await world.tell('approval.denied', { approval, by: 'bo' })
    await world.deliver()
    assert.equal(mails().length, 1)
    assert.deepEqual((await world.deliveries()).map(({ state, open: left }) => [state, left]), [['delivered', false]])
  })

  it('words of others make no header and no second mail', async () => {
    await open({ to: ['list@acme.test'] })
    await world.ask({}, { title: 'x\r\nBcc: evil@acme.test\r\n\r\nhello', statedReason: '\r\n.\r\nMAIL FROM:<evil@acme.test>', details: ['.'] })
    await world.deliver()
    const [mail, ...more] = mails()
    assert.deepEqual(more, [])
    assert.equal(mail?.to, 'list@acme.test')
    assert.doesNotMatch(headers(mail as Mail), /^bcc:/im)
  })

  it('a mail shows what changes and what it would do, as the card does', async () => {
    await open({ to: ['list@acme.test'] })
    await world.ask({}, { edits: ['labels.team: "a" → "b"'], effect: 'There are 12 objects in it.' })
    await world.deliver()
    assert.match(mails()[0]?.text ?? '', /Effect: There are 12 objects in it\.[\s\S]*What changes:\r\nlabels\.team: "a" =E2=86=92 "b"/)
  })

  it('calls that a rule tells of are a mail at once and a second one with what was collected, whatever settled says', async () => {
    await open({ to: ['list@acme.test'] })
    await world.receive(noticedEvent(1, world.clock.now()))
    await world.deliver()
    await world.receive(noticedEvent(4, world.clock.now()))
    await world.deliver()
    assert.equal(mails().length, 1)
    world.clock.advance(600_000)
    await world.deliver()
    assert.equal(mails().length, 2)
    assert.match(mails()[1]?.text ?? '', /agent-7: 5 calls[\s\S]*rec_a\.1/)
    assert.match(headers(mails()[1] as Mail), /^in-reply-to: </im)
  })

  it('invariant 7: the link of a mail is signed for its own receiver, request and call, is the same with every attempt, and holds no right', async () => {
    const key = Buffer.alloc(32, 7)
    await open({}, undefined, { key, page: 'https://console.test/open/{token}' })
    server.refuse({ at: 'DATA', code: 451 })
    const approval = await world.ask({ reviewers: ['bo', 'cy'] })
    await world.deliver()
    world.clock.advance(60_000)
    await world.deliver()
    const links = new Map(mails().map(({ to, text }) => [to, readMailLink(/\/open\/([\w.-]+)/.exec(unfolded({ text } as Mail))?.[1] ?? '', key)]))
    assert.deepEqual([...links.values()].map((link) => [link?.approval, link?.digest, link?.until]), Array.from({ length: 2 }, () => [approval, 'full:d1', world.clock.now() - 60_000 + 1_800_000]))
    assert.deepEqual([links.get('bo@acme.test')?.person, links.get('cy@acme.test')?.person], ['bo', 'cy'])
    assert.notEqual(links.get('bo@acme.test')?.mail, links.get('cy@acme.test')?.mail)
    assert.match(mails()[0]?.text ?? '', /Opening the link decides nothing/)
  })

  it('a list of receivers that is no person has a plain link', async () => {
    await open({ to: ['list@acme.test'] }, undefined, { key: Buffer.alloc(32, 7), page: 'https://console.test/open/{token}' })
    const approval = await world.ask()
    await world.deliver()
    assert.match(unfolded(mails()[0] as Mail), new RegExp(`https://console.test/a/${approval}`))
    assert.doesNotMatch(mails()[0]?.text ?? '', /\/open\//)
  })

  it('what a mail server refuses for good is given up, what it refuses for now is tried again', async () => {
    await open({ to: ['one@acme.test'] })
    server.refuse({ at: 'RCPT', code: 550 })
    await world.ask()
    await world.deliver()
    assert.deepEqual((await world.deliveries()).map(({ state, why }) => [state, why]), [['failed', 'the mail server answered 550 to RCPT TO']])
    server.refuse({ at: 'RCPT', code: 451 })
    await world.ask()
    await world.deliver()
    assert.equal(mails().length, 0)
    world.clock.advance(60_000)
    await world.deliver()
    assert.equal(mails().length, 1)
  })

  it('invariant 3: password and the server\'s own words are in no delivery or log', async () => {
    await open({ to: ['one@acme.test'] })
    world.secrets.set('smtp-password', 'wrong-canary')
    await world.ask()
    await world.deliver()
    world.secrets.set('smtp-password', 'right-canary')
    server.refuse({ at: 'DATA', code: 451 })
    world.clock.advance(120_000)
    await world.deliver()
    const kept = JSON.stringify([await world.deliveries(), world.logged, world.service.status()])
    assert.match(kept, /the mail server answered 535/)
    assert.match(kept, /the mail server answered 451/)
    assert.doesNotMatch(kept, /canary|secret reason/)
  })

  it('with starttls nothing is sent to a server that has none', async () => {
    await open({ to: ['one@acme.test'], smtp: { host: '127.0.0.1', port: server.port, security: 'starttls' } })
    await world.ask()
    await world.deliver()
    assert.equal(mails().length, 0)
    assert.equal((await world.deliveries())[0]?.state, 'waiting')
  })

  it('locks go to fixed receivers where the settings say so', async () => {
    await open({ to: ['list@acme.test'], locks: true })
    await world.receive(lockEvent({ scope: { kind: 'everything' } }, world.clock.now()))
    await world.deliver()
    assert.match(mails()[0]?.text ?? '', /everything: odd deletes/)
  })
})
