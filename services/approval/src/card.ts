/** The card: what an approver sees, made from the canonical call alone (invariant 4). Pure; every text in it is safe to print. */
import type { AccessRequest, CanonicalCall } from '@lockkeeper/domain/ports'
import type { IamChange } from '@lockkeeper/domain'
import type { Earlier } from './approval-case.ts'
import { earlierText, riskWhy, titleOf } from './card-words.ts'
import { instant } from './outcome-texts.ts'
import { prettyJson } from './pretty-json.ts'
import { clip, isPlain, untrusted, visible } from './shown-text.ts'

export interface CardInput {
  readonly request: AccessRequest
  readonly state: string
  readonly expiresAt: number
  readonly reviewers: readonly string[]
  readonly quorum: number
  readonly approvedBy: readonly string[]
  readonly earlier?: Earlier
  /** How the call differs from the agent's last one of the same method. */
  readonly differences?: { readonly from: string, readonly lines: readonly string[] }
}

export interface Card {
  readonly id: string
  readonly state: string
  readonly mode: 'sandbox' | 'real'
  readonly title: string
  readonly method: string
  /** Verb, host and path as they are sent. */
  readonly call: string
  readonly target: string
  readonly digest: string
  readonly resources: readonly string[]
  readonly arguments: readonly string[]
  readonly headers: readonly string[]
  readonly risk: string
  readonly riskWhy: string
  readonly agent: string
  readonly run: string
  readonly sponsor: string
  readonly chain: readonly string[]
  readonly isolation: string
  readonly rule: string
  readonly reasons: readonly string[]
  /** The agent's own words. Never checked, never more than a hint. */
  readonly statedReason?: string
  readonly iam: readonly string[]
  readonly body: readonly string[]
  readonly expires: string
  readonly reviewers: readonly string[]
  readonly quorum: number
  readonly approvedBy: readonly string[]
  readonly earlier?: string
  readonly changed: readonly string[]
  readonly warnings: readonly string[]
}

const MAX_LIST = 50
const MAX_BODY_LINES = 500
const MAX_REASON = 500

export function renderCard(input: CardInput): Card {
  const { request } = input
  const { call, agent, decision } = request
  const body = bodyLines(call)
  return {
    id: visible(request.id), state: input.state, mode: request.mode, digest: request.attach.digest,
    title: titleOf(call.method, call.resources, call.host), method: visible(call.method), target: visible(call.target),
    call: visible(`${call.verb} https://${call.host}${call.path}`),
    resources: list(call.resources), arguments: members(call.arguments), headers: members(call.headers),
    risk: visible(call.risk), riskWhy: riskWhy(call.risk),
    agent: visible(`${agent.id} (${agent.issuer}: ${agent.subject})`), run: visible(agent.run),
    sponsor: agent.sponsor === undefined ? 'nobody' : visible(agent.sponsor), isolation: request.isolation,
    chain: agent.chain.map(({ issuer, subject }) => visible(issuer === undefined ? subject : `${issuer}: ${subject}`)),
    rule: visible(decision.rule), reasons: list(decision.reasons),
    ...request.statedReason === undefined ? {} : { statedReason: untrusted(request.statedReason, MAX_REASON) },
    iam: call.iam === undefined ? [] : iamLines(call.iam), body: body.lines,
    expires: instant(input.expiresAt), reviewers: list(input.reviewers), quorum: input.quorum, approvedBy: list(input.approvedBy),
    ...input.earlier === undefined ? {} : { earlier: earlierText(input.earlier) },
    changed: [...list(input.earlier?.changed ?? []), ...differenceLines(input.differences)],
    warnings: warningsOf(request, body.warnings),
  }
}

function differenceLines(differences: CardInput['differences']): readonly string[] {
  return differences === undefined ? [] : [`compared with ${visible(differences.from)}:`, ...list(differences.lines)]
}

function list(texts: readonly string[]): readonly string[] {
  const shown = texts.slice(0, MAX_LIST).map((text) => clip(visible(text), 1000))
  return texts.length > MAX_LIST ? [...shown, `… and ${texts.length - MAX_LIST} more`] : shown
}

function members(map: Readonly<Record<string, string>>): readonly string[] {
  return list(Object.entries(map).sort(([left], [right]) => left < right ? -1 : 1).map(([name, value]) => `${name} = ${value}`))
}

function iamLines({ known, added, removed, auditConfigsChanged }: IamChange): readonly string[] {
  const binding = ({ role, member, condition }: IamChange['added'][number]): string => `${role}  ${member}${condition === undefined ? '' : `  if ${condition}`}`
  return [
    ...known ? [] : ['The policy in force was not read: what is sent replaces it, and what it removes is not known.'],
    ...list(added.map((each) => `+ ${binding(each)}`)), ...list(removed.map((each) => `- ${binding(each)}`)),
    ...auditConfigsChanged ? ['! the audit configuration changes'] : [],
  ]
}

function bodyLines({ body }: CanonicalCall): { readonly lines: readonly string[], readonly warnings: readonly string[] } {
  if (body.kind === 'none') return { lines: [], warnings: [] }
  if (body.kind === 'json') {
    const { lines, cut } = prettyJson(body.text, MAX_BODY_LINES)
    return cut === 0 ? { lines, warnings: [] } : { lines: [...lines, `… ${cut} more lines`], warnings: [`${cut} lines of the body are not shown; what is approved is all of it.`] }
  }
  const metadata = body.metadata === undefined ? [] : prettyJson(body.metadata, MAX_BODY_LINES).lines
  return {
    lines: [visible(`${body.contentType}, ${body.size === undefined ? 'size not declared' : `${body.size} bytes`}${body.checksum === undefined ? '' : `, checksum ${body.checksum}`}`), ...metadata],
    warnings: ['The content of the upload was not seen by the gateway.', ...body.checksum === undefined ? ['The upload declares no checksum: its content is not bound to this approval.'] : []],
  }
}

function warningsOf({ call, agent, isolation, mode }: AccessRequest, more: readonly string[]): readonly string[] {
  const odd = [...call.resources, call.path, ...Object.values(call.arguments), agent.id].some((text) => !isPlain(text))
  return [
    ...more,
    ...odd ? ['A name holds characters other than plain ASCII; they can look like others.'] : [],
    ...call.returnsSecret ? ['The answer is a secret: the agent sees it, and neither answer nor receipt is kept.'] : [],
    ...isolation === 'none' && mode === 'real' ? ['The agent runs without isolation from the gateway.'] : [],
  ]
}
