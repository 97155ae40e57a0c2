/** The card: what an approver sees, made from the canonical call alone (invariant 4). Pure; every text in it is safe to print. */
import { digestOf } from '@lockkeeper/domain/digest'
import type { AccessRequest, CanonicalCall } from '@lockkeeper/domain/ports'
import type { IamChange } from '@lockkeeper/domain'
import type { Earlier } from './approval-case.ts'
import { effectText, type Price } from './card-effect.ts'
import { editLines, stateLines } from './card-state.ts'
import { earlierText, riskWhy, titleOf } from './card-words.ts'
import { instant } from './outcome-texts.ts'
import { prettyJson } from './pretty-json.ts'
import { shownList, shownMembers, type Cuts } from './shown-list.ts'
import { isPlain, untrusted, visible } from './shown-text.ts'
import { undoWords } from './undo-words.ts'

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
  /** What the agent asked for in this run, see run-history.ts. */
  readonly soFar?: readonly string[]
  readonly price?: Price | undefined
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
  /** What the gateway read before it asked, and how far the approval is bound to it. */
  readonly boundTo: readonly string[]
  /** Fields that the body changes, from what was read to what it becomes. */
  readonly edits: readonly string[]
  /** What the API said beforehand that it would do. */
  readonly effect?: string
  /** Whether and until when it can be undone; absent where nothing is changed. */
  readonly undo?: string
  /** What else of this run came before persons; not what policy let through or denied by itself. */
  readonly soFar: readonly string[]
  readonly expires: string
  readonly reviewers: readonly string[]
  readonly quorum: number
  readonly approvedBy: readonly string[]
  readonly earlier?: string
  readonly changed: readonly string[]
  readonly warnings: readonly string[]
}

const MAX_LIST = 50
const MAX_BINDINGS = 500
const MAX_BODY_LINES = 500
const MAX_REASON = 500

export function renderCard(input: CardInput): Card {
  const { request } = input
  const { call, agent, decision } = request
  const cuts: Cuts = []
  const list = (texts: readonly string[], what: string): readonly string[] => shownList(texts, what, MAX_LIST, cuts)
  const card = {
    id: visible(request.id), state: input.state, mode: request.mode, digest: digestOf(call),
    title: titleOf(call.method, call.resources, call.host), method: visible(call.method), target: visible(call.target),
    call: visible(`${call.verb} https://${call.host}${call.path}`),
    resources: list(call.resources, 'resources'), arguments: shownMembers(call.arguments, 'arguments', MAX_LIST, cuts), headers: shownMembers(call.headers, 'headers', MAX_LIST, cuts),
    risk: visible(call.risk), riskWhy: riskWhy(call.risk),
    agent: visible(`${agent.id} (${agent.issuer}: ${agent.subject})`), run: visible(agent.run),
    sponsor: agent.sponsor === undefined ? 'nobody' : visible(agent.sponsor), isolation: request.isolation,
    chain: agent.chain.map(({ issuer, subject }) => visible(issuer === undefined ? subject : `${issuer}: ${subject}`)),
    rule: visible(decision.rule), reasons: list(decision.reasons, 'reasons'),
    ...request.statedReason === undefined ? {} : { statedReason: untrusted(request.statedReason, MAX_REASON) },
    iam: call.iam === undefined ? [] : iamLines(call.iam, cuts), body: bodyLines(call, cuts),
    boundTo: stateLines(request), edits: editLines(request, cuts), ...request.effect === undefined ? {} : { effect: effectText(request.effect, input.price) }, ...undoOf(call), soFar: list(input.soFar ?? [], 'methods'),
    expires: instant(input.expiresAt), reviewers: list(input.reviewers, 'reviewers'), quorum: input.quorum, approvedBy: list(input.approvedBy, 'approvers'),
    ...input.earlier === undefined ? {} : { earlier: earlierText(input.earlier) },
    changed: [...list(input.earlier?.changed ?? [], 'changes'), ...differenceLines(input.differences, cuts)],
  }
  return { ...card, warnings: warningsOf(request, cuts) }
}

function undoOf(call: CanonicalCall): Pick<Card, 'undo'> {
  const undo = undoWords(call)
  return undo === undefined ? {} : { undo }
}

function differenceLines(differences: CardInput['differences'], cuts: Cuts): readonly string[] {
  return differences === undefined ? [] : [`compared with ${visible(differences.from)}:`, ...shownList(differences.lines, 'differences', MAX_LIST, cuts)]
}

export function iamLines({ known, added, removed, auditConfigsChanged }: IamChange, cuts: Cuts): readonly string[] {
  const binding = ({ role, member, condition }: IamChange['added'][number]): string => `${role}  ${member}${condition === undefined ? '' : `  if ${condition}`}`
  return [
    ...known ? [] : ['The policy in force was not read: what is sent replaces it, and what it removes is not known.'],
    ...shownList(added.map((each) => `+ ${binding(each)}`), 'grants of access', MAX_BINDINGS, cuts),
    ...shownList(removed.map((each) => `- ${binding(each)}`), 'removals of access', MAX_BINDINGS, cuts),
    ...auditConfigsChanged ? ['! the audit configuration changes'] : [],
  ]
}

export function bodyLines({ body }: CanonicalCall, cuts: Cuts): readonly string[] {
  if (body.kind === 'none') return []
  if (body.kind === 'json') return jsonLines(body.text, cuts)
  const size = body.size === undefined ? 'size not declared' : `${body.size} bytes`
  const checksum = body.checksum === undefined ? '' : `, checksum ${body.checksum}`
  return [visible(`${body.contentType}, ${size}${checksum}`), ...body.metadata === undefined ? [] : jsonLines(body.metadata, cuts)]
}

function jsonLines(text: string, cuts: Cuts): readonly string[] {
  const { lines, cut } = prettyJson(text, MAX_BODY_LINES)
  if (cut === undefined) return lines
  cuts.push(`${cut} of the body`)
  return [...lines, `… and ${cut} more`]
}

export function warningsOf({ call, agent, isolation, mode, state }: AccessRequest, cuts: Cuts): readonly string[] {
  const odd = [...call.resources, call.path, ...Object.values(call.arguments), agent.id].some((text) => !isPlain(text))
  const { body } = call
  return [
    ...cuts.length === 0 ? [] : [`Not shown: ${cuts.join(', ')}. What is approved is all of it.`],
    ...body.kind === 'media' ? ['The content of the upload was not seen by the gateway.'] : [],
    ...body.kind === 'media' && body.checksum === undefined ? ['The upload declares no checksum: its content is not bound to this approval.'] : [],
    ...state?.kind === 'unread' ? ['The resource could not be read: it may not be what it seems, and may become another before the call runs.'] : [],
    ...odd ? ['A name holds characters other than plain ASCII; they can look like others.'] : [],
    ...call.returnsSecret ? ['The answer is a secret: the agent sees it, and neither answer nor receipt is kept.'] : [],
    ...isolation === 'none' && mode === 'real' ? ['The agent runs without isolation from the gateway.'] : [],
  ]
}
