/** Fetches one small JSON document of an issuer: bounded in time and size, no redirect, strictly parsed. */
import { isRefusal } from '@lockkeeper/domain/errors'
import { isJsonObject, parseStrict, toPlain } from '@lockkeeper/domain/json'

export type Fetch = typeof fetch

/** Ms that one document may take, body included. */
const FETCH_TIMEOUT_MS = 5000
/** Bytes of a document after decompression. */
const MAX_DOCUMENT_BYTES = 256 * 1024

/** Resolves with a JSON object. Rejects with an Error whose text is private: outage, status other than 200, too large, no JSON object. */
export async function fetchJson(url: string, fetchDocument: Fetch, timeoutMs = FETCH_TIMEOUT_MS): Promise<Readonly<Record<string, unknown>>> {
  const answer = await fetchDocument(url, {
    headers: { accept: 'application/json' },
    redirect: 'error',
    signal: AbortSignal.timeout(timeoutMs),
  })
  if (answer.status !== 200) {
    await answer.body?.cancel()
    throw new Error(`${url} answered with status ${answer.status}`)
  }
  const document = parseStrict(await readBounded(url, answer))
  if (isRefusal(document)) throw new Error(`${url} holds no strict JSON: ${document.message}`)
  if (!isJsonObject(document)) throw new Error(`${url} holds no JSON object`)
  return toPlain(document) as Record<string, unknown>
}

async function readBounded(url: string, answer: Response): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  // Leaving the loop by a throw cancels the stream, so an endless answer is cut off at the limit.
  for await (const chunk of answer.body ?? []) {
    size += chunk.byteLength
    if (size > MAX_DOCUMENT_BYTES) throw new Error(`${url} is larger than ${MAX_DOCUMENT_BYTES} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
