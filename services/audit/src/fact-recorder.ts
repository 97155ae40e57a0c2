/** What people and services did, as records beside the calls: approvals, locks, policies. Proofs and tokens never get here. */
import { EVENT_DATA, EVENT_TOPICS, type CloudEvent, type EventData } from '@lockkeeper/domain/events'
import type { Recorded, RecordEntry } from '@lockkeeper/domain/records'
import type { LogFold } from './fold.ts'
import type { OwnWriter } from './own-writer.ts'
import type { RecordSearch } from './record-search.ts'
import { factName } from './remembered-facts.ts'
import type { AuditSettings } from './settings.ts'

type FactType = Exclude<keyof typeof EVENT_DATA, 'decision.submitted' | 'calls.noticed'>
type Facts = Omit<RecordEntry & { readonly kind: 'event' }, 'kind' | 'at' | 'mode' | 'isolation' | 'name'>

const MOST_TEXT = 2_000

const SENTENCES: { readonly [T in FactType]: (data: EventData<T>) => Facts } = {
  'approval.requested': (data) => ({ ...approvalFacts(data), origin: 'agent', text: `Approval is asked for: ${callText(data)} (${data.reviewers.join(', ')}; ${data.quorum} needed).` }),
  'approval.approved': approvedFact,
  'approval.escalated': (data) => ({ ...approvalFacts(data), origin: 'gateway', text: `Undecided for too long, so ${data.to.join(', ')} may decide too: ${callText(data)} (${data.reviewers.join(', ')}; ${data.quorum} needed).` }),
  'grant.created': (data) => ({ ...grantFacts(data), origin: 'operator', who: data.by.join(', '), approval: data.approval, text: `Grant ${data.grant} by ${data.by.join(', ')} with ${data.approval}: up to ${data.uses} calls of ${data.method} on ${data.resources.join(', ')} by ${data.agent} until ${new Date(data.until).toISOString()}.` }),
  'grant.revoked': (data) => ({ ...grantFacts(data), origin: 'operator', who: data.by, text: `Grant ${data.grant} for ${data.method} by ${data.agent} revoked by ${data.by}: ${data.reason}` }),
  'grant.ended': (data) => ({ ...grantFacts(data), origin: 'gateway', text: `Grant ${data.grant} for ${data.method} by ${data.agent} has ended: ${data.why === 'used' ? 'it is used up' : 'its time is over'}, ${data.calls} of ${data.uses} calls were let through.` }),
  'decision.refused': (data) => ({ origin: 'operator', ...data.person === undefined ? {} : { who: data.person }, approval: data.approval, text: `A decision (${data.verdict}) on ${data.approval} by ${data.person ?? 'nobody that is proven'} was refused, and changed nothing: ${data.reason}. ${data.why}`, facts: { reason: data.reason } }),
  'review.opened': (data) => ({ ...approvalFacts(data), origin: 'operator', who: data.by.join(', '), text: `BREAK-GLASS by ${data.by.join(', ')}: ${callText(data)}. Reason: ${data.reason}. Review ${data.review} stays open until another person closes it.` }),
  'review.closed': (data) => ({ ...approvalFacts(data), origin: 'operator', who: data.by, text: `Review ${data.review} of break-glass closed by ${data.by}: ${callText(data)}. ${data.note}` }),
  'approval.denied': (data) => ({ ...approvalFacts(data), origin: 'operator', who: data.by, text: `Denied by ${data.by}: ${callText(data)}.${data.reason === undefined ? '' : ` Reason: ${data.reason}`}` }),
  'approval.expired': (data) => ({ ...approvalFacts(data), origin: 'gateway', text: `Expired undecided, which is not a denial: ${callText(data)}.` }),
  'approval.cancelled': (data) => ({ ...approvalFacts(data), origin: 'gateway', text: `Cancelled: ${callText(data)}. ${data.why}` }),
  'approval.claimed': (data) => ({ ...approvalFacts(data), origin: 'gateway', text: `Claimed for its one run: ${callText(data)}.` }),
  'approval.completed': (data) => ({ ...approvalFacts(data), origin: 'gateway', text: `Ended as ${data.outcome}${data.status === undefined ? '' : ` with status ${data.status}`}: ${callText(data)}.${data.why === undefined ? '' : ` ${data.why}`}` }),
  'fatigue.noticed': (data) => ({ origin: 'gateway', text: `Rule ${data.rule} has asked for ${data.asked} of ${data.of} approvals on ${data.day}, more than its share of ${Math.round(data.share * 100)} %.`, facts: { rule: data.rule, day: data.day } }),
  'lock.changed': (data) => ({ origin: 'operator', who: data.by, text: `Lock ${data.id} ${data.state} by ${data.by} on ${JSON.stringify(data.scope)}: ${data.reason}` }),
  'policy.published': (data) => ({ origin: 'operator', who: data.by, text: `Policy ${data.version} with ${data.rules} rules published by ${data.by}.`, facts: { digest: data.digest } }),
  'target.changed': (data) => ({ origin: 'operator', who: data.by, text: `Target set ${data.version} with ${data.targets} targets published by ${data.by}: added ${data.added.join(', ') || 'none'}; removed ${data.removed.join(', ') || 'none'}; changed ${data.changed.join(', ') || 'none'}.`, facts: { digest: data.version } }),
}

export interface FactRecorderParts {
  readonly writer: OwnWriter
  readonly fold: LogFold
  readonly search: RecordSearch
  readonly settings: AuditSettings
}

export class FactRecorder {
  readonly #parts: FactRecorderParts
  /** Events that are being handled: a second delivery waits for the first. */
  readonly #running = new Map<string, Promise<void>>()
  /** Records on their way to the log, also those whose event went back to the bus because it took too long. */
  readonly #open = new Map<string, Recorded>()

  constructor(parts: FactRecorderParts) {
    this.#parts = parts
  }

  /**
   * Resolves when the record is durable, also when it was before: an event makes one record, however often and whenever it comes.
   * Events of types without a sentence are none of the log's business. Rejects with PortUnavailable when it must come again.
   */
  record(event: CloudEvent): Promise<void> {
    if (!isFactType(event.type)) return Promise.resolve()
    const name = factName(event.source, event.id)
    const running = this.#running.get(name) ?? this.#recordOnce(name, event.type, event).finally(() => this.#running.delete(name))
    this.#running.set(name, running)
    return running
  }

  async #recordOnce(name: string, type: FactType, event: CloudEvent): Promise<void> {
    const { writer, fold, search } = this.#parts
    if (!this.#open.has(name)) {
      const entry = this.#entry(type, event)
      if ((await fold.book()).facts.has(name, entry.at) ?? await search.holdsFact(name)) return
      this.#open.set(name, (await writer.get()).append(entry))
    }
    await this.#open.get(name)?.durable()
    this.#open.delete(name)
  }

  #entry(type: FactType, event: CloudEvent): RecordEntry {
    const parsed = EVENT_DATA[type].safeParse(event.data)
    if (!parsed.success) throw new TypeError(`event ${event.id} of ${event.source} does not hold the data of ${type}`)
    const sentence = SENTENCES[type] as (data: unknown) => Facts
    const facts = sentence(parsed.data)
    const at = Date.parse(event.time)
    if (!Number.isFinite(at)) throw new TypeError(`event ${event.id} of ${event.source} has no time`)
    return {
      ...facts, kind: 'event', name: type, at, mode: this.#parts.settings.mode, isolation: this.#parts.settings.isolation,
      text: facts.text.slice(0, MOST_TEXT).toWellFormed(), facts: { ...facts.facts, event: event.id, source: event.source },
    }
  }
}

function isFactType(type: string): type is FactType {
  return type in SENTENCES && type in EVENT_TOPICS
}

function approvalFacts({ approval, run, agent, method }: EventData<'approval.expired'>): Pick<Facts, 'approval' | 'run' | 'facts'> {
  return { approval, run, facts: { agent, method } }
}

function approvedFact(data: EventData<'approval.approved'>): Facts {
  const { by, grant, breakGlass } = data
  if (grant !== undefined) return { ...approvalFacts(data), facts: { ...approvalFacts(data).facts, grant: grant.id, use: String(grant.use) }, origin: 'gateway', who: by.join(', '), text: `Approved as use ${grant.use} of grant ${grant.id} by ${by.join(', ')}: ${callText(data)}.` }
  return { ...approvalFacts(data), origin: 'operator', who: by.join(', '), text: `${breakGlass === true ? 'BREAK-GLASS: approved' : 'Approved'} by ${by.join(', ')}: ${callText(data)}.` }
}

function grantFacts({ grant, agent, method, run, rule }: EventData<'grant.created'> | EventData<'grant.revoked'> | EventData<'grant.ended'>): Pick<Facts, 'run' | 'facts'> {
  return { facts: { grant, agent, method, rule }, ...run === undefined ? {} : { run } }
}

function callText({ approval, agent, method, resources }: EventData<'approval.expired'>): string {
  const shown = resources.slice(0, 3).join(', ')
  return `${approval}, ${method} on ${shown}${resources.length > 3 ? ` and ${resources.length - 3} more` : ''} by ${agent}`
}
