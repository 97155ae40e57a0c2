/** Checks of who may call: the issuers, their clocks, and one agent's token. */
import { stat, readFile } from 'node:fs/promises'
import { createPeopleDirectory, createVerifier } from '@lockkeeper/auth'
import { isRefusal } from '@lockkeeper/domain/errors'
import { tokenTimes } from '../agent/agent-token.ts'
import { findings, type Finding } from './finding.ts'
import { sound, type Surroundings } from './surroundings.ts'

/** Tolerance of the verifier for times in tokens. */
const TOLERANCE_MS = 60_000
const NOTABLE_SKEW_MS = 10_000
const SHORT_LIFE_MS = 5 * 60_000

/** Issuers, and the clock against theirs: one check, since the same answers tell both. */
export async function checkIssuers(given: Surroundings): Promise<readonly Finding[]> {
  const { ok, skipped, problem } = findings('issuers')
  const loaded = sound(given)
  if (loaded === undefined) return [skipped('the configuration names them, and there is none that can be used')]
  const { clock } = given
  const skews: { readonly issuer: string, readonly skewMs: number }[] = []
  const found = await Promise.all(loaded.config.issuers.map(async (issuer): Promise<Finding> => {
    const timed: typeof fetch = async (...request) => {
      const answer = await fetch(...request)
      const date = Date.parse(answer.headers.get('date') ?? '')
      if (!Number.isNaN(date)) skews.push({ issuer: issuer.name, skewMs: clock.now() - date })
      return answer
    }
    const verifier = createVerifier({ issuers: [issuer], people: createPeopleDirectory([]), clock, mode: loaded.config.mode, fetch: timed })
    try {
      await verifier.warm()
      return ok(`${issuer.name} (${issuer.issuer}): ${verifier.status()[0]?.keys ?? 0} usable keys`)
    } catch (error) {
      const cause = verifier.status()[0]?.lastError ?? (error as Error).message
      return problem(`${issuer.name} (${issuer.issuer}) gives no keys: ${cause}`, 'Check the issuer\'s URL and the way to it from here; agents with its tokens are refused until it answers.')
    }
  }))
  return [...found, checkClock(skews)]
}

function checkClock(skews: readonly { readonly issuer: string, readonly skewMs: number }[]): Finding {
  const { ok, skipped, warning, problem } = findings('clock')
  const worst = skews.reduce<typeof skews[number] | undefined>((most, one) => most === undefined || Math.abs(one.skewMs) > Math.abs(most.skewMs) ? one : most, undefined)
  if (worst === undefined) return skipped('no issuer told its time')
  const text = `this machine's clock is ${(Math.abs(worst.skewMs) / 1000).toFixed(0)} s ${worst.skewMs < 0 ? 'behind' : 'ahead of'} that of issuer ${worst.issuer}`
  const todo = 'Set the clock by NTP: tokens are judged by it, with 60 s of tolerance.'
  if (Math.abs(worst.skewMs) > TOLERANCE_MS) return problem(text, todo)
  return Math.abs(worst.skewMs) > NOTABLE_SKEW_MS ? warning(text, todo) : ok('agrees with the issuers\' to within 10 s')
}

/** Who the token says calls, as the gateway would judge it. Its text appears nowhere. */
export async function checkToken(given: Surroundings): Promise<readonly Finding[]> {
  const { ok, skipped, problem, warning } = findings('token')
  const { tokenFile, clock } = given
  const loaded = sound(given)
  if (tokenFile === undefined) return [skipped('no token was named: --token-file FILE or LOCKKEEPER_TOKEN_FILE')]
  if (loaded === undefined) return [skipped('the issuers stand in the configuration, and there is none that can be used')]
  let token: string
  try {
    token = (await readFile(tokenFile, 'utf8')).trim()
  } catch (error) {
    return [problem(`${tokenFile} cannot be read: ${(error as NodeJS.ErrnoException).code}`, 'Name the file that your identity provider or CI writes the token to.')]
  }
  const found: Finding[] = []
  if (process.platform !== 'win32' && ((await stat(tokenFile)).mode & 0o077) !== 0) found.push(warning(`${tokenFile} can be read by other users, who could call as this agent`, `chmod go-rwx ${tokenFile}`))
  const { issuedAt } = tokenTimes(token)
  if (issuedAt !== undefined && issuedAt - clock.now() > TOLERANCE_MS) found.push(problem(`the token was issued ${Math.round((issuedAt - clock.now()) / 1000)} s in the future by this clock`, 'Set this machine\'s clock by NTP.'))
  const agent = await createVerifier({ issuers: loaded.config.issuers, people: createPeopleDirectory(loaded.people), clock, mode: loaded.config.mode }).verifyToken(token)
  if (isRefusal(agent)) return [...found, problem(`the gateway would refuse the token: ${agent.message}`, 'Compare its iss, aud and exp with the issuers in the configuration, or get a new one.')]
  const leftMs = agent.expiresAt - clock.now()
  const who = `agent ${agent.id}, run ${agent.run}, ${agent.sponsor === undefined ? 'no sponsor' : `sponsor ${agent.sponsor}${agent.sponsorPerson === undefined ? ' (no known person)' : ` (${agent.sponsorPerson})`}`}, by issuer ${agent.issuer}`
  found.push(leftMs < SHORT_LIFE_MS ? warning(`${who}; it ends in ${Math.max(0, Math.round(leftMs / 1000))} s`, 'Let lockkeeper run renew it: --token-command, or a file that its issuer keeps fresh.') : ok(`${who}; good for ${Math.round(leftMs / 60_000)} min`))
  if (agent.sponsorPerson === undefined) found.push(warning('the token\'s sponsor resolves to no person, so its changes need two named reviewers', 'Add the sponsor\'s identity to the people file, or map agent.sponsor in the issuer.'))
  return found
}
