/** An approved call that has run: its stored answer, to the same agent and run. */
import { sha256 } from '@lockkeeper/domain/digest'
import type { StoredAnswer } from '@lockkeeper/domain/ports'
import type { Refusal } from '@lockkeeper/domain/errors'
import type { Ending, Passage, Witnesses } from '../passage.ts'
import type { Parts } from '../parts.ts'
import { endWhenRead } from '../send-refusal.ts'
import { markDelivered } from './claim-outcome.ts'
import { mapUpstreamFailure } from './upstream-failures.ts'

export async function replay(passage: Passage & Witnesses, { status, headers, body }: StoredAnswer, approval: string, parts: Parts): Promise<Ending | Refusal> {
  try {
    await passage.intent.durable()
  } catch (error) {
    return mapUpstreamFailure(error as Error, false, false)
  }
  const { request, response } = passage
  response.writeHead(status, [...headers, 'X-Lockkeeper-Receipt', approval, ...(request.complete ? [] : ['Connection', 'close'])])
  if (request.method !== 'HEAD') response.write(body)
  endWhenRead(request, response)
  if ('digest' in passage.granted) markDelivered(passage, approval, passage.granted.digest, parts)
  return { result: 'receipt', status, responseBytes: body.length, responseBody: sha256(body) }
}
