/** Tests only: a `lockkeeper` command in this process, with what it printed and its exit code. */
import { main } from '../main.ts'

export interface CommandResult { readonly code: number, readonly out: string, readonly err: string }

/** `admin`: the socket that `LOCKKEEPER_ADMIN` names meanwhile. One at a time. */
export async function runCommand(args: readonly string[], admin?: string): Promise<CommandResult> {
  const text = { out: '', err: '' }
  const { stdout, stderr, env, exitCode } = process
  const own = { out: stdout.write, err: stderr.write, admin: env['LOCKKEEPER_ADMIN'] }
  const into = (stream: 'out' | 'err') => ((chunk: string | Uint8Array) => {
    text[stream] += String(chunk)
    return true
  }) as typeof stdout.write
  try {
    stdout.write = into('out')
    stderr.write = into('err')
    process.exitCode = undefined
    if (admin !== undefined) env['LOCKKEEPER_ADMIN'] = admin
    await main(args)
    return { code: Number(process.exitCode ?? 0), ...text }
  } finally {
    stdout.write = own.out
    stderr.write = own.err
    process.exitCode = exitCode
    if (own.admin === undefined) delete env['LOCKKEEPER_ADMIN']
    else env['LOCKKEEPER_ADMIN'] = own.admin
  }
}
