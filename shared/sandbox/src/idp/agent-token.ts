/** What a token of a sandbox agent is to say. */
import type { SandboxAlgorithm } from './signing-keys.ts'

export interface AgentTokenRequest {
  /** Becomes the claims `sub` and `agent`. */
  readonly agent: string
  readonly run: string
  /** The human it works for: an e-mail address of people.yaml. */
  readonly sponsor?: string
  /** Life in seconds; default 900. Negative: expired already, for tests. */
  readonly ttlSeconds?: number
  /** Further claims; they win over all others, so that tests can make a token wrong. */
  readonly claims?: Readonly<Record<string, unknown>>
  /** Default RS256. */
  readonly algorithm?: SandboxAlgorithm
}
