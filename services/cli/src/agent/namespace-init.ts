/**
 * The first process inside the container: opens the gateway's port on the container's own loopback, passes it on to the one socket
 * that leads out, starts the command and hands signals to it. It has no capability and nothing that the command has not.
 */

/** What the process outside sends as the first line of descriptor 3; each later line is the name of a signal. */
export interface InitOrder {
  readonly port: number
  readonly socket: string
  readonly program: string
  readonly arguments: readonly string[]
  readonly directory: string
  readonly environment: Readonly<Record<string, string>>
}

/**
 * For `node -e`: the container sees no file of Lockkeeper. A text and not a function's source, since a bundler puts names of its own
 * into functions, and nothing defines those here.
 */
export const INIT_PROGRAM = `
'use strict'
const { connect, createServer, Socket } = require('node:net')
const { spawn } = require('node:child_process')
const { constants } = require('node:os')
const MAX_ORDER = 8 * 1024 * 1024, NOT_FOUND = 127, NOT_STARTED = 126, MAX_CONNECTIONS = 1024

const stop = (code, text) => {
  process.stderr.write('lockkeeper: ' + text + '\\n')
  process.exit(code)
}

const relay = (socket) => createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
  const far = connect({ path: socket, allowHalfOpen: true })
  near.once('error', () => far.destroy())
  far.once('error', () => near.destroy())
  near.once('close', () => far.destroy())
  far.once('close', () => near.destroy())
  near.pipe(far).pipe(near)
})

const start = (order) => {
  const child = spawn(order.program, order.arguments, { stdio: 'inherit', cwd: order.directory, env: order.environment })
  child.once('error', (error) => {
    if (error.code === 'ENOENT') stop(NOT_FOUND, order.program + ' is not there inside the container; programs under the home directory are visible only with --read DIRECTORY')
    stop(NOT_STARTED, order.program + ' cannot be started: ' + error.code)
  })
  child.once('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]))
  return (signal) => { if (signal in constants.signals) child.kill(signal) }
}

const begin = (order) => {
  const waiting = []
  pass = (signal) => { waiting.push(signal) }
  const server = relay(order.socket)
  server.maxConnections = MAX_CONNECTIONS
  server.once('error', (error) => stop(NOT_STARTED, 'the way to the gateway cannot be opened: ' + error.message))
  server.listen(order.port, '127.0.0.1', () => {
    pass = start(order)
    waiting.forEach(pass)
  })
}

let rest = ''
let pass
const control = new Socket({ fd: 3, readable: true, writable: false })
control.setEncoding('utf8').on('data', (text) => {
  rest += text
  if (rest.length > MAX_ORDER) stop(NOT_STARTED, 'the order is too long')
  const lines = rest.split('\\n')
  rest = lines.pop()
  for (const line of lines) {
    if (pass === undefined) begin(JSON.parse(line))
    else pass(line)
  }
})
// The process outside is gone: nothing may go on without it.
control.once('close', () => process.exit(128 + constants.signals.SIGKILL))
`
