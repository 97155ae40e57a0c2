/** Where an answer sends the agent: always back through the gateway. A resumable upload's session stays here; the agent gets a sealed one. */
import { LockkeeperError } from '@lockkeeper/domain/errors'
import type { Passage, Witnesses } from '../passage.ts'
import type { Parts } from '../parts.ts'
import { rewriteUrl } from './gateway-urls.ts'

type Complete = Passage & Pick<Witnesses, 'verified' | 'classified' | 'decided' | 'claimed'>

/** The gateway's own form of a Location; undefined: the agent gets none. Throws UPSTREAM_INVALID for a session that is not understood. */
export function ownLocation(url: string, passage: Complete, parts: Parts): string | undefined {
  const { classified: { call, target, session }, arrival } = passage
  const google = `https://${call.host}`
  const upstream = target.upstream ?? google
  const parsed = URL.canParse(url, upstream) ? new URL(url, `${upstream}${call.path}`) : undefined
  if (parsed === undefined) return undefined
  const upload = parsed.searchParams.get('upload_id')
  // Only the start of an upload may open a session; nothing else may name one.
  if (upload !== null && (call.media !== 'upload-resumable' || session !== undefined)) return undefined
  const isTarget = (host: string): boolean => parts.targets.find(host) !== undefined
  if (upload !== null) return rewriteUrl(`${google}${call.path}?uploadType=resumable&upload_id=${seal(parsed, passage, parts)}`, arrival, isTarget)
  const own = parsed.origin === new URL(upstream).origin ? `${google}${parsed.pathname}${parsed.search}${parsed.hash}` : parsed.href
  return rewriteUrl(own, arrival, isTarget)
}

function seal(url: URL, { classified: { call, target, headers: { meaningful } }, claimed, decided, verified }: Complete, { targets, sessions }: Parts): string {
  const origin = target.upstream === undefined ? `https://${call.host}` : new URL(target.upstream).origin
  // The parts go where the start went: a session on another host would take the credential there.
  if (url.origin !== origin && !(targets.find(url.hostname) === target && url.hostname === call.host)) throw new LockkeeperError('UPSTREAM_INVALID', 'The upstream began an upload on another host, so the session was not passed on.')
  const size = Number(meaningful['x-upload-content-length'])
  return sessions.seal({
    ...(meaningful['x-upload-content-length'] !== undefined && Number.isSafeInteger(size) ? { size } : {}),
    target: target.name, host: call.host, method: call.method.id, path: url.pathname, query: url.search.slice(1), resources: call.resources, decisionHash: decided.decision.hash,
    ...(claimed.kind === 'claim' ? { approval: claimed.approval } : {}),
  }, verified.agent)
}
