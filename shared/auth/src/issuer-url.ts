/** Which URLs an issuer and its keys may have. Plain http is for test issuers on this machine only (invariant 14). */
import type { Mode } from '@lockkeeper/domain'

const LOOPBACK_HOSTS = new Set(['127.0.0.1', '[::1]', 'localhost'])

/** Why `text` may not be fetched in this mode; undefined when it may. */
export function urlProblem(text: string, mode: Mode): string | undefined {
  if (!URL.canParse(text)) return 'is not an absolute URL'
  const url = new URL(text)
  if (url.username !== '' || url.password !== '') return 'must not carry a user name or password'
  if (url.hash !== '') return 'must not carry a fragment'
  if (url.protocol === 'https:') return undefined
  if (url.protocol !== 'http:') return 'must be an https URL'
  if (mode === 'real') return 'must be an https URL in real mode'
  return LOOPBACK_HOSTS.has(url.hostname) ? undefined : 'may be plain http on the loopback interface only'
}

/** As `urlProblem`, and without a query, as OpenID Connect Discovery 1.0 demands of an issuer identifier. */
export function issuerUrlProblem(text: string, mode: Mode): string | undefined {
  return urlProblem(text, mode) ?? (text.includes('?') ? 'must not carry a query' : undefined)
}

/** Where an issuer publishes its configuration (OpenID Connect Discovery 1.0, section 4). */
export function discoveryUrl(issuer: string): string {
  return `${issuer.endsWith('/') ? issuer.slice(0, -1) : issuer}/.well-known/openid-configuration`
}

const GITHUB_ISSUER = 'https://token.actions.githubusercontent.com'

/** GitHub's own issuer, also in the form that enterprises may choose (`…/SLUG`): its `actor` claim is a GitHub login. */
export function isGithubIssuer(issuer: string): boolean {
  return issuer === GITHUB_ISSUER || issuer.startsWith(`${GITHUB_ISSUER}/`)
}
