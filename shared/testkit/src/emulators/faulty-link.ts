/** A TCP connection to an emulator (or any server) that a test can cut, slow down and silence. */
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { SlowPipe } from './slow-pipe.ts'

export interface FaultyLink {
  /** `127.0.0.1:PORT`: what is dialled in the place of the server. */
  readonly host: string
  /** Resets every connection and every new one. */
  cut(): void
  /** From now on every byte, in both directions, arrives `ms` later. */
  delay(ms: number): void
  /** Connections stay open, and nothing passes: a network that is gone without a word. */
  silence(): void
  /** The connections that are open now stay open and silent for ever; new ones are as good as before. */
  strand(): void
  /** As new: nothing is cut or slow any more, and what waited passes. */
  restore(): void
  /** Connections that were opened through the link so far. */
  opened(): number
  close(): Promise<void>
}

/** `target` is `HOST:PORT`. Listens on a free port of 127.0.0.1. */
export async function faultyLink(target: string): Promise<FaultyLink> {
  const at = target.lastIndexOf(':')
  const upstream = { host: target.slice(0, at), port: Number(target.slice(at + 1)) }
  const sockets = new Set<Socket>()
  const pipes = new Set<SlowPipe>()
  let delayMs = 0
  let isCut = false
  let count = 0

  const server = createServer(client => {
    if (isCut) return void client.on('error', () => undefined).resetAndDestroy()
    count += 1
    const remote = connect(upstream)
    const both = [new SlowPipe(client, remote, delayMs), new SlowPipe(remote, client, delayMs)]
    for (const socket of [client, remote]) {
      sockets.add(socket.setNoDelay(true))
      // Either end's end is the other's; the error itself is what the test is about.
      socket.on('error', () => undefined).on('close', () => {
        sockets.delete(socket)
        client.destroy()
        remote.destroy()
      })
    }
    for (const pipe of both) pipes.add(pipe)
    client.on('close', () => { for (const pipe of both) pipes.delete(pipe) })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')

  const slow = (ms: number): void => {
    delayMs = ms
    for (const pipe of pipes) pipe.delay(ms)
  }
  const cut = (): void => {
    isCut = true
    for (const socket of [...sockets]) socket.resetAndDestroy()
  }
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut,
    strand() {
      for (const pipe of pipes) pipe.delay(Infinity)
      pipes.clear()
    },
    delay: slow, silence: () => slow(Infinity), opened: () => count,
    restore() {
      isCut = false
      slow(0)
    },
    async close() {
      cut()
      server.close()
      await once(server, 'close')
    },
  }
}
