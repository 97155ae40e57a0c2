/** The agent's OIDC token while a command runs: where it comes from, and the file that the agent reads it from. Never on a command line. */
import { execFile } from 'node:child_process'
import { chown, readFile, rename, stat, writeFile } from 'node:fs/promises'
import type { Clock } from '@lockkeeper/domain'
import { isJsonObject, parseStrict, toPlain } from '@lockkeeper/domain/json'
import { isRefusal } from '@lockkeeper/domain/errors'
import { CommandFailed } from '../command-failed.ts'

/** The verifier takes no larger one. */
const MAX_TOKEN_BYTES = 16 * 1024
const COMMAND_MS = 60_000
/** Part of a token's life after which the next one is asked for. */
const RENEW_AT = 0.8
const LEAST_WAIT_MS = 5_000
/** Longer waits would overflow a timer, and a token of more than a day is looked at daily. */
const MOST_WAIT_MS = 24 * 60 * 60_000
const RETRY_MS = 10_000
const LOOK_MS = 1_000
const COMPACT = /^[\w-]+\.[\w-]+\.[\w-]+$/

export interface TokenSource {
  /** A token that is good now. CommandFailed says why there is none, without what a command printed. */
  read(): Promise<string>
  /** A file whose change means a new token; without it the token's own times say when. */
  readonly watched?: string
}

export function tokenFromFile(file: string): TokenSource {
  return {
    watched: file,
    async read() {
      const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => { throw new CommandFailed(`the agent's token cannot be read: ${file} (${error.code})`) })
      return compact(text, file)
    },
  }
}

/** `command` goes through the shell; its standard output is the token. */
export function tokenFromCommand(command: string): TokenSource {
  return {
    read: () => new Promise((resolve, reject) => {
      execFile('/bin/sh', ['-c', command], { timeout: COMMAND_MS, maxBuffer: 4 * MAX_TOKEN_BYTES, encoding: 'utf8' }, (error, stdout, stderr) => {
        if (error !== null) return reject(new CommandFailed(`the token command failed (${error.killed === true ? `no answer in ${COMMAND_MS / 1000} s` : `exit code ${error.code ?? '?'}`}): ${plainLine(stderr)}`))
        try {
          resolve(compact(stdout, 'the token command'))
        } catch (wrong) {
          reject(wrong as Error)
        }
      })
    }),
  }
}

function compact(text: string, where: string): string {
  const token = text.trim()
  if (token.length > MAX_TOKEN_BYTES || !COMPACT.test(token)) throw new CommandFailed(`${where} gives no token: one JWT in compact form, at most ${MAX_TOKEN_BYTES} bytes, is expected`)
  return token
}

/** Something that looks like a token is struck out of what a command said. */
function plainLine(text: string): string {
  return text.replace(/[\w-]{8,}\.[\w-]{8,}\.[\w-]*/g, '[token]').replace(/[^\x20-\x7e]+/g, ' ').trim().slice(0, 300)
}

export interface TokenTimes { readonly issuedAt: number | undefined, readonly expiresAt: number | undefined }

/** Ms. Unverified, for timers alone: the gateway decides what the token is worth. */
export function tokenTimes(token: string): TokenTimes {
  const claims = parseStrict(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'))
  const { iat, exp } = isRefusal(claims) || !isJsonObject(claims) ? {} as Record<string, unknown> : toPlain(claims) as Record<string, unknown>
  return { issuedAt: typeof iat === 'number' ? iat * 1000 : undefined, expiresAt: typeof exp === 'number' ? exp * 1000 : undefined }
}

export interface TokenFileOptions {
  readonly source: TokenSource
  readonly file: string
  readonly clock: Clock
  /** The user who reads the file; default: this one. */
  readonly owner?: { readonly uid: number, readonly gid: number }
  readonly onProblem: (text: string) => void
  /** Shortest wait between two tokens. Default 5 s. */
  readonly leastWaitMs?: number
}

export interface TokenFile { close(): void }

/** Writes the token and keeps the file fresh until it is closed. The first token must be there; later failures are told and tried again. */
export async function keepTokenFile({ source, file, clock, owner, onProblem, leastWaitMs = LEAST_WAIT_MS }: TokenFileOptions): Promise<TokenFile> {
  let timer: NodeJS.Timeout | undefined
  let closed = false
  const renew = async (): Promise<number> => {
    const token = await source.read()
    await replace(file, token, owner)
    return source.watched === undefined ? waitFor(tokenTimes(token), clock.now(), leastWaitMs) : LOOK_MS
  }
  const later = (ms: number): void => {
    if (closed) return
    timer = setTimeout(() => { void turn() }, ms)
    timer.unref()
  }
  let known = source.watched === undefined ? '' : await mark(source.watched)
  const turn = async (): Promise<void> => {
    try {
      if (source.watched === undefined) return later(await renew())
      const now = await mark(source.watched)
      if (now !== known) await renew()
      known = now
      later(LOOK_MS)
    } catch (error) {
      onProblem((error as Error).message)
      later(RETRY_MS)
    }
  }
  later(await renew())
  return {
    close() {
      closed = true
      clearTimeout(timer)
    },
  }
}

/** Ms until a token that is good now has lived 80 % of its life. */
export function waitFor({ issuedAt, expiresAt }: TokenTimes, now: number, leastMs = LEAST_WAIT_MS): number {
  if (expiresAt === undefined) return MOST_WAIT_MS
  const from = Math.min(issuedAt ?? now, now)
  return Math.min(MOST_WAIT_MS, Math.max(leastMs, from + (expiresAt - from) * RENEW_AT - now))
}

async function mark(file: string): Promise<string> {
  const found = await stat(file, { bigint: true }).catch((error: NodeJS.ErrnoException) => { throw new CommandFailed(`the agent's token cannot be read: ${file} (${error.code})`) })
  return `${found.ino} ${found.mtimeNs} ${found.size}`
}

/** Atomic: a reader sees the old token or the new one. */
async function replace(file: string, token: string, owner: TokenFileOptions['owner']): Promise<void> {
  const temporary = `${file}.new`
  await writeFile(temporary, token, { mode: 0o600 })
  if (owner !== undefined) await chown(temporary, owner.uid, owner.gid)
  await rename(temporary, file)
}
