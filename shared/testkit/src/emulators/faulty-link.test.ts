import { strict as assert } from 'node:assert'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { faultyLink, type FaultyLink } from './faulty-link.ts'

describe('a faulty link', () => {
  let server: Server
  let link: FaultyLink
  const clients: Socket[] = []
  beforeEach(async () => {
    server = createServer(socket => { socket.on('error', () => undefined).pipe(socket) }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    link = await faultyLink(`127.0.0.1:${(server.address() as AddressInfo).port}`)
  })
  afterEach(async () => {
    for (const client of clients.splice(0)) client.destroy()
    await link.close()
    server.close()
  })

  const dial = async (): Promise<Socket> => {
    const client = connect({ host: '127.0.0.1', port: Number(link.host.split(':')[1]) })
    client.on('error', () => undefined)
    clients.push(client)
    await once(client, 'connect')
    return client
  }
  /** What comes back for a text, and after how many ms. */
  const echo = async (client: Socket, text: string): Promise<readonly [string, number]> => {
    const from = performance.now()
    let got = ''
    client.write(text)
    while (got.length < text.length) got += String((await once(client, 'data') as [Buffer])[0])
    return [got, performance.now() - from]
  }

  it('passes everything on, large things too', async () => {
    const text = 'x'.repeat(3_000_000)
    assert.equal((await echo(await dial(), text))[0], text)
    assert.equal(link.opened(), 1)
  })

  it('that is slow delays both directions and keeps their order', async () => {
    const client = await dial()
    link.delay(50)
    const [text, ms] = await echo(client, 'abc')
    assert.equal(text, 'abc')
    assert.ok(ms >= 98, `${ms} ms`)
  })

  it('that is silent holds what is sent until it is restored', async () => {
    const client = await dial()
    link.silence()
    let heard = false
    client.on('data', () => { heard = true })
    const answer = echo(client, 'held')
    await echoOf(server)
    assert.equal(heard, false)
    link.restore()
    assert.equal((await answer)[0], 'held')
  })

  it('that strands its connections serves new ones', async () => {
    const client = await dial()
    link.strand()
    client.on('data', () => assert.fail('heard')).write('lost')
    assert.equal((await echo(await dial(), 'new'))[0], 'new')
    link.restore()
    assert.equal((await echo(await dial(), 'again'))[0], 'again')
  })

  it('that is cut resets what is open and what is opened, until it is restored', async () => {
    const client = await dial()
    link.cut()
    await closed(client)
    const next = connect({ host: '127.0.0.1', port: Number(link.host.split(':')[1]) }).on('error', () => undefined)
    await closed(next)
    link.restore()
    assert.equal((await echo(await dial(), 'again'))[0], 'again')
  })
})

const closed = (socket: Socket): Promise<void> => new Promise(resolve => { socket.once('close', () => resolve()) })

/** Resolves once the server has answered another client that did not come through the link. */
async function echoOf(server: Server): Promise<void> {
  const direct = connect((server.address() as AddressInfo).port, '127.0.0.1')
  direct.write('direct')
  await once(direct, 'data')
  direct.destroy()
}
