import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, stat, watch, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '@lockkeeper/domain'
import { CommandFailed } from '../command-failed.ts'
import { keepTokenFile, tokenFromCommand, tokenFromFile, tokenTimes, waitFor } from './agent-token.ts'

const token = (claims: unknown, mark = 'signature'): string => `${Buffer.from('{"alg":"RS256"}').toString('base64url')}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.${mark}`

describe('the agent\'s token', () => {
  let directory: string
  beforeEach(async () => { directory = await mkdtemp(join(tmpdir(), 'lockkeeper-token-')) })
  afterEach(() => rm(directory, { recursive: true }))

  it('is asked for again at 80 % of its life', () => {
    assert.equal(waitFor({ issuedAt: 0, expiresAt: 1_000_000 }, 0), 800_000)
    assert.equal(waitFor({ issuedAt: 0, expiresAt: 1_000_000 }, 500_000), 300_000)
  })
  it('without a time of issue counts from now', () => assert.equal(waitFor({ issuedAt: undefined, expiresAt: 2_000_000 }, 1_000_000), 800_000))
  it('that has ended is asked for after the shortest wait, never in a loop', () => assert.equal(waitFor({ issuedAt: 0, expiresAt: 10 }, 1_000_000), 5_000))
  it('that says no end, or one far away, is looked at daily', () => {
    assert.equal(waitFor({ issuedAt: undefined, expiresAt: undefined }, 0), 86_400_000)
    assert.equal(waitFor({ issuedAt: 0, expiresAt: Number.MAX_SAFE_INTEGER }, 0), 86_400_000)
  })
  it('that is no JWT has no times, and is no fault', () => {
    for (const text of ['', 'a', 'a.b.c', 'a.W10.c', `${token({ exp: 'soon', iat: null })}`]) assert.deepEqual(tokenTimes(text), { issuedAt: undefined, expiresAt: undefined })
  })

  it('from a command: white space around it is dropped, and the command may be a shell line', async () => {
    assert.equal(await tokenFromCommand(`printf '\\n%s  \\n' '${token({})}'`).read(), token({}))
  })

  const WRONG: readonly (readonly [title: string, command: string, text: RegExp])[] = [
    ['fails', 'echo no identity here >&2; exit 9', /exit code 9.*no identity here/],
    ['prints nothing', 'true', /gives no token/],
    ['prints two tokens', `echo '${token({})} ${token({})}'`, /gives no token/],
    ['prints more than a token may be', 'head -c 20000 /dev/zero | tr "\\0" a', /gives no token/],
    ['prints without end', 'yes', /token command failed/],
  ]
  for (const [title, command, text] of WRONG) {
    it(`from a command that ${title} is refused`, () => assert.rejects(tokenFromCommand(command).read(), (error: unknown) => error instanceof CommandFailed && text.test(error.message)))
  }

  it('invariant 3: what a failing command printed never reaches an error', async () => {
    const secret = token({ sub: 'agent' })
    await assert.rejects(tokenFromCommand(`echo '${secret}'; echo 'bad ${secret}' >&2; exit 1`).read(), ({ message }: Error) => !message.includes(secret.split('.')[1] as string) && message.includes('[token]'))
  })

  it('is written for its reader alone, and renewed by the command while it lives', async () => {
    const file = join(directory, 'token.jwt')
    let count = 0
    const now = systemClock.now()
    const third = Promise.withResolvers<void>()
    const kept = await keepTokenFile({
      file, clock: systemClock, leastWaitMs: 1, onProblem: (text) => third.reject(new Error(text)),
      source: { read: () => {
        if (++count === 3) third.resolve()
        return Promise.resolve(token({ iat: now / 1000, exp: (now + 50) / 1000 }, `mark${count}`))
      } },
    })
    await third.promise
    kept.close()
    assert.equal((await stat(file)).mode & 0o777, 0o600)
    assert.match(await readFile(file, 'utf8'), /\.mark[23]$/)
  })

  it('follows the file that its issuer keeps fresh', async () => {
    const source = join(directory, 'source.jwt')
    const file = join(directory, 'token.jwt')
    await writeFile(source, token({ n: 1 }))
    const kept = await keepTokenFile({ source: tokenFromFile(source), file, clock: systemClock, onProblem: assert.fail })
    const changes = watch(directory, { signal: AbortSignal.timeout(5_000) })
    await writeFile(source, token({ n: 2 }))
    for await (const { filename } of changes) {
      if (filename === 'token.jwt' && await readFile(file, 'utf8') === token({ n: 2 })) break
    }
    kept.close()
    assert.equal(await readFile(file, 'utf8'), token({ n: 2 }))
  })

  it('that is not there at the start stops the start', () => assert.rejects(keepTokenFile({ source: tokenFromFile(join(directory, 'none')), file: join(directory, 'token.jwt'), clock: systemClock, onProblem: assert.fail }), CommandFailed))
})
