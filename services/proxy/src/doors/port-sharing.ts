/** HTTP/1.1 and HTTP/2 on one cleartext port: the first bytes of a connection tell which it is (RFC 9113 section 3.4). */
import type { Socket } from 'node:net'

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
/** No method of HTTP/1.1 that is known begins so; the rest of the preface is HTTP/2's own to judge. */
const TOLD_AFTER = 4
/** Ms that a client may say nothing; what has begun is bounded by the protocol's own limits. */
const SILENT_MS = 20_000

export interface PortSharing {
  /** Tells a new connection apart and hands it on with all its bytes unread. */
  connection(socket: Socket): void
  /** Ends the connections that have said nothing yet. */
  stop(): void
}

export function sharePort(http1: (socket: Socket) => void, http2: (socket: Socket) => void): PortSharing {
  const silent = new Set<Socket>()
  return {
    connection(socket) {
      let heard: Buffer = Buffer.alloc(0)
      const settle = (): void => {
        clearTimeout(timer)
        silent.delete(socket)
        socket.off('readable', look).off('error', drop).off('close', settle).off('end', drop)
      }
      const drop = (): void => {
        settle()
        socket.destroy()
      }
      const look = (): void => {
        const chunk = socket.read() as Buffer | null
        if (chunk === null) return
        heard = heard.length === 0 ? chunk : Buffer.concat([heard, chunk])
        const length = Math.min(heard.length, TOLD_AFTER)
        const isPreface = heard.subarray(0, length).equals(PREFACE.subarray(0, length))
        if (isPreface && length < TOLD_AFTER) return
        settle()
        socket.unshift(heard)
        if (isPreface) http2(socket)
        else http1(socket)
      }
      const timer = setTimeout(drop, SILENT_MS)
      silent.add(socket)
      socket.on('readable', look).once('error', drop).once('close', settle).once('end', drop)
    },
    stop: () => silent.forEach((socket) => socket.destroy()),
  }
}
