/** Who calls: a verified token or a refusal. First of all guards, so that nothing is read for strangers (invariant 1). */
import { isRefusal } from '@lockkeeper/domain/errors'
import type { Agent } from '@lockkeeper/domain'
import type { Refusal } from '@lockkeeper/domain/errors'
import { tokenInHead } from '../own-token.ts'
import type { Parts } from '../parts.ts'
import type { Passage, Verified } from '../passage.ts'

export function identifyAgent(passage: Passage, { verifier }: Parts): Verified | Refusal | Promise<Verified | Refusal> {
  const found = verifier.identify(authorizationOf(passage), passage.request.socket)
  return found instanceof Promise ? found.then((late) => verified(passage, late)) : verified(passage, found)
}

/** Every value of the header: two of them are one too many, which `headers.authorization` would hide. */
function authorizationOf({ request }: Passage): string | readonly string[] | undefined {
  const { rawHeaders } = request
  let only: string | undefined
  let values: string[] | undefined
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string
    if (name.length !== 13 || name.toLowerCase() !== 'authorization') continue
    const value = rawHeaders[index + 1] as string
    if (only === undefined) only = value
    else (values ??= [only]).push(value)
  }
  return values ?? only
}

function verified(passage: Passage, agent: Agent | Refusal): Verified | Refusal {
  if (isRefusal(agent)) return agent
  const { facts } = passage
  facts.issuer = agent.issuer
  facts.agent = agent.id
  facts.run = agent.run
  facts.tokenHash = agent.tokenHash
  if (agent.sponsor !== undefined) facts.sponsor = agent.sponsor
  return tokenInHead(passage.request) ?? { agent } as Verified
}
