/** Which detectors there are, and what is wrong with a plan. */
import type { MaskPlan } from '@lockkeeper/domain'
import { card } from './detectors/card.ts'
import type { Detector } from './detectors/detector.ts'
import { email } from './detectors/email.ts'
import { iban } from './detectors/iban.ts'
import { PEM } from './detectors/pem.ts'
import { phone } from './detectors/phone.ts'
import { awsKey, githubToken, googleApiKey, googleOauthToken, jwt, slackToken, urlPassword } from './detectors/secrets.ts'
import { fieldPathProblems } from './field-paths.ts'

/** Detectors of personal data. */
const PERSONAL: readonly Detector[] = [email, phone, card, iban]
/** Detectors of secrets by pattern; each pattern is too long for chance, so they also look into binary data. */
const SECRET: readonly Detector[] = [googleApiKey, googleOauthToken, jwt, awsKey, githubToken, slackToken, urlPassword]
/** Works by member names alone: `private_key` and its kin, also in JSON inside strings and base64. */
const SERVICE_ACCOUNT_KEY = 'service-account-key'

const PATTERNS: readonly Detector[] = [...PERSONAL, ...SECRET]

/** Sets of detectors by the name that policies use. */
export const detectorSets: Readonly<Record<'personal-data' | 'secrets', readonly string[]>> = {
  'personal-data': PERSONAL.map(detector => detector.name),
  'secrets': [...SECRET.map(detector => detector.name), PEM, SERVICE_ACCOUNT_KEY],
}

/** Every name that a plan may use, sets included, sorted. */
export const detectorNames: readonly string[] = [...Object.keys(detectorSets), ...Object.values(detectorSets).flat()].sort()

/** Problems in words for the policy's author; empty: `createMasker` takes the plan. */
export function maskProblems(plan: MaskPlan): readonly string[] {
  const unknown = plan.detectors.filter(name => !detectorNames.includes(name))
  return [
    ...unknown.map(name => `unknown detector ${JSON.stringify(name.slice(0, 80))}; there are ${detectorNames.join(', ')}`),
    ...fieldPathProblems(plan.fields),
  ]
}

export interface ResolvedDetectors {
  /** Single detectors, sets taken apart. */
  readonly names: ReadonlySet<string>
  readonly patterns: readonly Detector[]
  /** Those of `patterns` that may look into binary data. */
  readonly binary: readonly Detector[]
  readonly pem: boolean
}

/** Precondition: `maskProblems` is empty. */
export function resolveDetectors(plan: MaskPlan): ResolvedDetectors {
  const names = new Set(plan.detectors.flatMap(name => Object.hasOwn(detectorSets, name) ? detectorSets[name as keyof typeof detectorSets] : [name]))
  const patterns = PATTERNS.filter(detector => names.has(detector.name))
  return { names, patterns, binary: patterns.filter(detector => SECRET.includes(detector)), pem: names.has(PEM) || names.has(SERVICE_ACCOUNT_KEY) }
}
