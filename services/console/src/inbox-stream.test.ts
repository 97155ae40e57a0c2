import assert from 'node:assert/strict'
import { openRoom, signIn, type Browser, type Room } from '../test/console-room.ts'
import { startIdp, type StandInIdp } from '../test/stand-in-idp.ts'

interface Stream { readonly status: number, next(wanted: RegExp): Promise<string>, close(): void }

async function listen(browser: Browser, last?: string): Promise<Stream> {
  const abort = new AbortController()
  const response = await browser.fetch('/api/inbox/stream', { signal: abort.signal, ...last === undefined ? {} : { headers: { 'last-event-id': last } } })
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  return {
    status: response.status,
    async next(wanted) {
      while (!wanted.test(text)) {
        const read = await reader?.read()
        if (read === undefined || read.done) return `${text}[end]`
        text += read.value
      }
      const seen = text
      text = ''
      return seen
    },
    close: () => abort.abort(),
  }
}

describe('the live inbox', () => {
  let idp: StandInIdp
  let room: Room
  let ada: Browser
  let waiting: readonly { readonly id: string }[]
  const streams: Stream[] = []
  const open = async (last?: string): Promise<Stream> => {
    const stream = await listen(ada, last)
    streams.push(stream)
    return stream
  }
  before(async () => { idp = await startIdp() })
  after(() => idp.close())
  beforeEach(async () => {
    room = await openRoom({ idp })
    waiting = [{ id: 'apr_1' }]
    room.answers = ({ path }) => path.startsWith('/v1/waiting') ? { status: 200, body: { waiting } } : undefined
    ada = room.browser()
    await signIn(ada, idp)
    await ada.me()
  })
  afterEach(async () => {
    for (const stream of streams.splice(0)) stream.close()
    await room.close()
  })

  it('it tells what waits, and again when that changes', async () => {
    const stream = await open()
    assert.match(await stream.next(/apr_1/), /retry: \d+[\s\S]*event: inbox/)
    waiting = [{ id: 'apr_1' }, { id: 'apr_2' }]
    assert.match(await stream.next(/apr_2/), /event: inbox/)
  })

  it('whoever comes back with the id of what they saw is told only what is new', async () => {
    const first = await open()
    const id = /^id: (\S+)$/m.exec(await first.next(/apr_1[\s\S]*\n\n/))?.[1] ?? assert.fail()
    first.close()
    const again = await open(id)
    waiting = [{ id: 'apr_9' }]
    assert.doesNotMatch(await again.next(/apr_9/), /apr_1/)
  })

  it('one poll serves all streams, and none runs when nobody looks', async () => {
    const both = [await open(), await open()]
    await Promise.all(both.map((stream) => stream.next(/apr_1/)))
    const polls = (): number => room.asked.filter(({ path }) => path.startsWith('/v1/waiting')).length
    assert.ok(polls() <= 2, String(polls()))
    for (const stream of both) stream.close()
    await new Promise((resolve) => setTimeout(resolve, 100))
    const before = polls()
    await new Promise((resolve) => setTimeout(resolve, 1_200))
    assert.equal(polls(), before)
  })

  it('an outage is said, and its end', async () => {
    const stream = await open()
    await stream.next(/apr_1/)
    room.answers = () => ({ status: 503, body: {} })
    assert.match(await stream.next(/trouble/), /event: trouble/)
    room.answers = () => ({ status: 200, body: { waiting: [{ id: 'apr_3' }] } })
    await stream.next(/apr_3/)
  })

  it('older calls are read page by page; a cursor of another list is refused', async () => {
    room.answers = ({ path }) => {
      const cursor = new URL(path, 'http://x').searchParams.get('cursor')
      if (cursor === 'odd') return { status: 400, body: {} }
      return { status: 200, body: cursor === null ? { waiting, cursor: 'c1' } : { waiting: [{ id: `after-${cursor}` }] } }
    }
    const read = async (query: string): Promise<unknown> => {
      const response = await ada.fetch(`/api/inbox${query}`)
      const { waiting: found, cursor } = await response.json() as { readonly waiting?: unknown, readonly cursor?: string }
      return [response.status, found, cursor]
    }
    assert.deepEqual(await read(''), [200, [{ id: 'apr_1' }], 'c1'])
    assert.deepEqual(await read('?cursor=c1'), [200, [{ id: 'after-c1' }], undefined])
    assert.deepEqual(await read('?cursor=odd'), [400, undefined, undefined])
  })

  it('a stream ends with its session', async () => {
    const stream = await open()
    await stream.next(/apr_1/)
    await ada.fetch('/api/sign-out', { method: 'POST', body: {} })
    assert.match(await stream.next(/never/), /event: signed-out[\s\S]*\[end\]/)
  })

  it('one session has six streams at most', async () => {
    for (let count = 0; count < 6; count += 1) assert.equal((await open()).status, 200)
    assert.equal((await open()).status, 503)
  })

  it('the console\'s end ends all streams', async () => {
    const stream = await open()
    await stream.next(/apr_1/)
    const ended = stream.next(/never/)
    await room.close()
    assert.match(await ended, /\[end\]/)
  })
})
