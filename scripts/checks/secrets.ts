/** Credentials that must never be committed, found by their shape. Samples in tests are listed in scripts/exceptions.json. */
import { withoutExempt, type Exempt, type Finding } from './exceptions.ts'
import type { RepositoryFile } from './repository-files.ts'

/** Long enough that a text which only speaks about such a credential is none. */
const SHAPES: Readonly<Record<string, RegExp>> = {
  'a private key': /-----BEGIN [A-Z0-9 ]{0,20}PRIVATE KEY(?: BLOCK)?-----(?:\\[nr]|\s)*[A-Za-z0-9+/=]{20}/g,
  'a Google API key': /\bAIza[\w-]{35}/g,
  'a Google access token': /\bya29\.[\w.-]{20,}/g,
  'a Google refresh token': /\b1\/\/0[\w-]{30,}/g,
  'a Google client secret': /\bGOCSPX-[\w-]{20,}/g,
  'a JSON web token': /\beyJ[\w-]{15,}\.eyJ[\w-]{10,}\.[\w-]{10,}/g,
  'a GitHub token': /\b(?:gh[oprsu]_[A-Za-z0-9]{36}|github_pat_\w{50,})/g,
  'a GitLab token': /\bglpat-[\w-]{20,}/g,
  'a Slack token': /\bxox[a-z]-[\w-]{20,}/g,
  'a Slack webhook': /hooks\.slack\.com\/services\/T\w{4,}\/B\w{4,}\/\w{20,}/g,
  'an AWS access key': /\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/g,
  'an npm token': /\bnpm_[A-Za-z0-9]{36}/g,
  'a Stripe key': /\b[rs]k_live_\w{20,}/g,
  'an Anthropic or OpenAI key': /\bsk-(?:ant|proj)-[\w-]{20,}/g,
}

export function checkSecrets(files: readonly RepositoryFile[], samples: Exempt): readonly string[] {
  return withoutExempt(files.flatMap(findSecrets), samples, 'samples')
}

/** The message never carries the credential itself: the lint's output ends up in logs. */
function findSecrets({ file, text }: RepositoryFile): readonly Finding[] {
  return Object.entries(SHAPES).flatMap(([what, shape]) => [...text.matchAll(shape)].map(({ index }) => ({
    file, message: `${file}:${text.slice(0, index).split('\n').length} looks like ${what}`,
  })))
}
