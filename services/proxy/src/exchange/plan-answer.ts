/** What is done with an answer, from the decision and the answer's head: masked, rewritten, passed on, replaced or refused. */
import { LockkeeperError } from '@lockkeeper/domain/errors'
import { canInspect } from '@lockkeeper/masking'
import type { Passage, Witnesses } from '../passage.ts'
import type { Parts } from '../parts.ts'
import type { AnswerPlan } from './answer.ts'
import { EchoGuard } from './credential-echo.ts'
import { linkRewriter } from './gateway-urls.ts'
import { canOpen } from './open-body.ts'
import type { ResponseHead } from './response-headers.ts'
import { upstreamErrorBody } from './upstream-failures.ts'

type Complete = Passage & Pick<Witnesses, 'classified' | 'decided' | 'credential' | 'claimed'>

/** Media that is passed on keeps the encoding that its reader asked for; everything else has to be looked into, so it comes plain. */
export function mustSeeContent({ classified: { call }, decided: { decision: { obligations: { mask } } } }: Pick<Complete, 'classified' | 'decided'>): boolean {
  return call.media !== 'download' || mask.detectors.length > 0 || mask.fields.length > 0
}

/** Throws CANNOT_MASK, UPSTREAM_INVALID or CredentialEcho for an answer of which nothing may be released. */
export function planAnswer(head: ResponseHead, passage: Complete, parts: Parts, { record, release }: Pick<AnswerPlan, 'record' | 'release'>): AnswerPlan {
  const { call, target } = passage.classified
  const { obligations } = passage.decided.decision
  const { limits } = parts.settings
  const echo = new EchoGuard(passage.credential.authorization, sessionIdOf(passage))
  echo.checkHeaders(head.headers)
  const masker = parts.maskers.of(obligations.mask)
  const bodiless = head.status === 204 || head.status === 304 || head.contentLength === 0 || call.method.verb === 'HEAD'
  const open = bodiless || !mustSeeContent(passage) ? undefined : head.contentEncoding
  const inspect = canInspect(head.contentType, undefined, obligations.mask)
  const readable = masker === undefined || bodiless || (inspect !== 'no' && head.status !== 206 && (open === undefined || canOpen(open)))
  const instead = replacement(head, passage, bodiless, readable)
  if (instead === undefined) {
    if (!readable) throw cannotMask(head, passage)
    if (open !== undefined && !canOpen(open)) throw new LockkeeperError('UPSTREAM_INVALID', `The upstream's answer is encoded as ${open.slice(0, 40)}, which was not asked for and cannot be opened, so it was not passed on.`)
  }
  const approved = passage.claimed.kind === 'claim'
  const links = target.kind === 'google' && inspect === 'json' && !bodiless ? linkRewriter(passage.arrival, target.upstream) : undefined
  return {
    transform: { inspect, links, echo, masker: bodiless ? undefined : masker }, open, instead,
    collect: approved ? limits.inspectBody : limits.collectBody,
    keep: call.method.returnsSecret ? 0 : approved ? limits.inspectBody : limits.recordBody,
    max: obligations.maxResponseBytes ?? Infinity,
    stallMs: parts.settings.upstreamBodyMs,
    record, release,
  }
}

/** Google's front ends answer some failures with HTML; clients of its APIs read JSON only. The status stays. */
function replacement(head: ResponseHead, { classified: { call, target } }: Complete, bodiless: boolean, readable: boolean): AnswerPlan['instead'] {
  if (target.kind !== 'google' || bodiless || head.status < 400) return undefined
  const isJson = canInspect(head.contentType, undefined) === 'json'
  if (isJson || (head.status < 500 && readable)) return undefined
  return { contentType: 'application/json; charset=UTF-8', body: Buffer.from(upstreamErrorBody(head.status, call.method.change)), headers: ['X-Lockkeeper-Reason', 'UPSTREAM_ERROR'] }
}

function cannotMask(head: ResponseHead, { classified: { call }, decided: { decision } }: Complete): LockkeeperError {
  const what = head.status === 206 ? 'it is a part of a whole' : `its content (${head.contentEncoding === undefined ? '' : `${head.contentEncoding.slice(0, 40)}, `}${head.contentType?.slice(0, 100) ?? 'of no type'}) cannot be inspected`
  return new LockkeeperError('CANNOT_MASK', `The answer must be masked (rule ${decision.rule}) and ${what}, so nothing of it was released. ${call.method.change ? 'The call itself was sent.' : 'Nothing was changed.'}`)
}

/** The upstream's own name of an upload session: whoever knows it needs no credential. */
function sessionIdOf({ classified: { session } }: Complete): string | undefined {
  return session === undefined ? undefined : new URLSearchParams(session.upstreamQuery).get('upload_id') ?? undefined
}
