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

/** The program text for `node -e`: the container sees no file of Lockkeeper, whether it runs from a checkout or a bundle. */
export function initSource(): string {
  return `(${init.toString()})()`
}

/** Stands alone: no name from outside this function may be used in it. */
function init(): void {
  const { connect, createServer, Socket } = process.getBuiltinModule('node:net')
  const { spawn } = process.getBuiltinModule('node:child_process')
  const { constants } = process.getBuiltinModule('node:os')
  const MAX_ORDER = 8 * 1024 * 1024
  const NOT_FOUND = 127
  const NOT_STARTED = 126
  const stop = (code: number, text: string): never => {
    process.stderr.write(`lockkeeper: ${text}\n`)
    process.exit(code)
  }
  const relay = ({ socket }: InitOrder) => createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
    const far = connect({ path: socket, allowHalfOpen: true })
    near.once('error', () => far.destroy())
    far.once('error', () => near.destroy())
    near.once('close', () => far.destroy())
    far.once('close', () => near.destroy())
    near.pipe(far).pipe(near)
  })
  const start = (order: InitOrder): ((signal: string) => void) => {
    const child = spawn(order.program, [...order.arguments], { stdio: 'inherit', cwd: order.directory, env: order.environment })
    child.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') stop(NOT_FOUND, `${order.program} is not there inside the container; programs under the home directory are visible only with --read DIRECTORY`)
      stop(NOT_STARTED, `${order.program} cannot be started: ${error.code}`)
    })
    child.once('exit', (code, signal) => process.exit(code ?? 128 + (signal === null ? 1 : constants.signals[signal])))
    return (signal) => { if (signal in constants.signals) child.kill(signal as NodeJS.Signals) }
  }
  let rest = ''
  let pass: ((signal: string) => void) | undefined
  const control = new Socket({ fd: 3, readable: true, writable: false })
  control.setEncoding('utf8').on('data', (text: unknown) => {
    rest += String(text)
    if (rest.length > MAX_ORDER) stop(NOT_STARTED, 'the order is too long')
    const lines = rest.split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      if (pass !== undefined) {
        pass(line)
        continue
      }
      const order = JSON.parse(line) as InitOrder
      const waiting: string[] = []
      pass = (signal) => { waiting.push(signal) }
      const server = relay(order)
      server.maxConnections = 1024
      server.once('error', (error) => stop(NOT_STARTED, `the way to the gateway cannot be opened: ${error.message}`))
      server.listen(order.port, '127.0.0.1', () => {
        pass = start(order)
        waiting.forEach(pass)
      })
    }
  })
  // The process outside is gone: nothing may go on without it.
  control.once('close', () => process.exit(128 + constants.signals.SIGKILL))
}
