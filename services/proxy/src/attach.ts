/** Which waiting call a request belongs to. */
import type { AttachKey } from '@lockkeeper/domain/ports'
import type { Passage, Witnesses } from './passage.ts'

const MAX_KEY_LENGTH = 256

export function attachKeyOf({ verified: { agent }, request }: Pick<Passage, 'request'> & Pick<Witnesses, 'verified'>, digest: string): AttachKey {
  const key = request.headers['idempotency-key']
  return { issuer: agent.issuer, agent: agent.id, run: agent.run, digest, ...(typeof key === 'string' ? { idempotencyKey: key.slice(0, MAX_KEY_LENGTH) } : {}) }
}
