/** Remembers who a verified token speaks for, by the token's hash, until the token ends. Least recently used leaves first. */
import type { Agent, Clock } from '@lockkeeper/domain'

export class VerifiedTokens {
  readonly #agents = new Map<string, Agent>()
  readonly #size: number
  readonly #clock: Clock

  constructor(size: number, clock: Clock) {
    this.#size = size
    this.#clock = clock
  }

  get(tokenHash: string): Agent | undefined {
    const agent = this.#agents.get(tokenHash)
    if (agent === undefined) return undefined
    this.#agents.delete(tokenHash)
    if (agent.expiresAt <= this.#clock.now()) return undefined
    this.#agents.set(tokenHash, agent)
    return agent
  }

  set(agent: Agent): void {
    this.#agents.delete(agent.tokenHash)
    this.#agents.set(agent.tokenHash, agent)
    if (this.#agents.size <= this.#size) return
    const [oldest] = this.#agents.keys()
    if (oldest !== undefined) this.#agents.delete(oldest)
  }

  clear(): void { this.#agents.clear() }
}
