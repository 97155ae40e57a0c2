/** What is no HTTP request, or one over the limits of its head: answered as every refusal is, and recorded (invariant 8). */
import type { ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { ERRORS, googleErrorBody, LockkeeperError, refuse } from '@lockkeeper/domain/errors'
import type { Parts } from '../parts.ts'

/** The client is gone: there is nobody to answer, and nothing was asked. */
const BROKEN_OFF: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE', 'HPE_INVALID_EOF_STATE'])

/**
 * A listener for node's `clientError`. `response`: that of a request on the socket which is being answered and has an outcome of
 * its own; what breaks there is its body. Without a socket it was a connection of HTTP/2, which node has told already.
 */
export function answerMalformed({ records, clock, settings, log }: Pick<Parts, 'records' | 'clock' | 'settings' | 'log'>): (error: Error, socket: Duplex | undefined, response: ServerResponse | undefined) => void {
  const record = (code: string, what: string): void => {
    try {
      records.append({
        kind: 'outcome', at: clock.now(), mode: settings.mode, isolation: settings.isolation, origin: 'agent', door: 'none', host: '', verb: '', path: '',
        result: 'refused', status: ERRORS.REQUEST_INVALID.http, reason: 'REQUEST_INVALID', detail: `${what} (${code.slice(0, 64)})`, requestBytes: 0, responseBytes: 0, durationMs: 0,
      })
    } catch (cause) {
      if (!(cause instanceof LockkeeperError)) throw cause
      log.error({ code }, 'a malformed request could not be recorded: the audit log takes nothing')
    }
  }
  return (error, socket, response) => {
    const { code = '' } = error as NodeJS.ErrnoException
    if (socket === undefined) {
      if (!BROKEN_OFF.has(code)) record(code, 'it does not follow HTTP/2')
      return
    }
    if (BROKEN_OFF.has(code) || !socket.writable || response?.headersSent === true) return void socket.destroy()
    const what = code === 'HPE_HEADER_OVERFLOW' ? 'its head is over 64 KiB' : code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 'its head did not come in time' : 'it does not follow HTTP/1.1'
    // In the middle of a call this is read as its answer, and the call may be on its way already.
    const effect = response === undefined ? 'Nothing was sent.' : 'The connection ends here. The call that was in progress on it may have been sent, and a change may or may not have happened: look at the resource before you send it again.'
    const refusal = refuse('REQUEST_INVALID', `The request is refused: ${what}. ${effect}`)
    const { http } = ERRORS[refusal.reason]
    const body = googleErrorBody(refusal)
    socket.end(`HTTP/1.1 ${http} Bad Request\r\nContent-Type: application/json; charset=UTF-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\nX-Lockkeeper-Reason: ${refusal.reason}\r\nConnection: close\r\n\r\n${body}`)
    if (response === undefined) record(code, what)
  }
}
