/** The words of a message, the same over every channel. Whatever looks like a credential is struck out; nothing in it is markup. */
import type { EventData } from '@lockkeeper/domain/events'
import { grantWords } from './grant-words.ts'
import { fatigueWords, noticeWords, refusalWords } from './notice-words.ts'
import { nameOf, type People } from './people.ts'
import { instant, plain, type Words } from './message-text.ts'
import type { ApprovalSubject, LockSubject, ReviewSubject, Subject } from './subject.ts'

export function wordsOf(subject: Subject, people: People): Words {
  switch (subject.kind) {
    case 'approval': return approvalWords(subject, people)
    case 'lock': return lockWords(subject, people)
    case 'review': return reviewWords(subject, people)
    case 'grant': return grantWords(subject, people)
    case 'notice': return noticeWords(subject)
    case 'fatigue': return fatigueWords(subject)
    case 'refusal': return refusalWords(subject)
  }
}

/** The approval whose page says more; a lock has none. */
export function approvalOf(subject: Subject): string | undefined {
  switch (subject.kind) {
    case 'approval': return subject.id
    case 'review': return (subject.opened ?? subject.closed)?.approval
    case 'grant': return subject.created?.approval
    case 'refusal': return subject.refused.approval
    case 'lock': case 'notice': case 'fatigue': return undefined
  }
}

function approvalWords(subject: ApprovalSubject, people: People): Words {
  const { asked, mode, agent, run, expiresAt, id } = subject
  const shown = asked?.shown
  const sandbox = mode === 'sandbox' ? 'SANDBOX ' : ''
  const facts: (readonly [string, string])[] = [
    ['Agent', agent], ['Run', run], ...shown === undefined ? [] : [['Works for', shown.sponsor] as const, ['Risk', `${shown.risk}: it ${shown.riskWhy}`] as const, ['Rule', shown.rule] as const],
    ...shown?.effect === undefined ? [] : [['Effect', shown.effect] as const], ...shown?.undo === undefined ? [] : [['Undo', shown.undo] as const],
    ['Until', instant(expiresAt)], ...(asked?.quorum ?? 1) > 1 ? [['Needed', `${asked?.quorum ?? 1} persons`] as const] : [], ['Request', id],
  ]
  const said = shown?.statedReason
  return {
    headline: `${sandbox}${HEADLINES[subject.standing.state]}`,
    title: plain(shown?.title ?? asked?.summary ?? subject.method),
    facts: facts.map(([label, text]) => [label, plain(text)]),
    changes: (shown?.edits ?? []).map(plain), details: (shown?.details ?? []).map(plain),
    notes: [...said === undefined || said === '' ? [] : [plain(`“${said}” (the agent's own words, not checked)`)], ...(shown?.warnings ?? []).map(plain)],
    standing: plain(standingText(subject, people)),
  }
}

const HEADLINES: Readonly<Record<ApprovalSubject['standing']['state'], string>> = {
  pending: 'Approval wanted', approved: 'Approved', denied: 'Denied', expired: 'Expired', cancelled: 'Withdrawn', running: 'Approved and running',
  'not-sent': 'Approved, not sent yet', done: 'Approved and done', unknown: 'Outcome unknown',
}

/** A time-out is never called a denial (invariant 13). */
function standingText({ standing, approvedBy, standingAt, breakGlass, escalated }: ApprovalSubject, people: People): string {
  const at = instant(standingAt)
  const names = (ids: readonly string[]): string => ids.map((id) => nameOf(people, id)).join(', ')
  const how = breakGlass ? ' by break-glass' : ''
  const approved = approvedBy.length === 0 ? '' : ` Approved by ${names(approvedBy)}${how}.`
  switch (standing.state) {
    case 'pending': return `Nothing has run. It waits for a decision.${escalated === undefined ? '' : ` Nobody decided in time: ${escalated.to.join(', ')} may decide too.`}`
    case 'approved': return `Approved by ${names(standing.by)}${how} at ${at}. It runs when the agent's call is there.`
    case 'denied': return `Denied by ${nameOf(people, standing.by)} at ${at}. Nothing has run.${standing.reason === undefined ? '' : ` Reason: ${standing.reason}`}`
    case 'expired': return `Expired at ${at}: ${approvedBy.length === 0 ? 'nobody decided in time' : 'it was approved and not used in time'}. Nothing has run, and nobody said no.`
    case 'cancelled': return `Withdrawn at ${at}: ${standing.why}`
    case 'running': return `It runs since ${at}.${approved}`
    case 'not-sent': return `It was not sent (${standing.why}); the approval stands.${approved}`
    case 'done': return `Done at ${at}${standing.status === undefined ? '' : ` with status ${standing.status}`}.${approved}`
    case 'unknown': return `It was sent, and whether it took effect cannot be known (${standing.why}). Look at the resource.${approved}`
  }
}

function lockWords({ lock, at }: LockSubject, people: People): Words {
  const verb = lock.state === 'set' ? 'set' : 'lifted'
  return {
    headline: `Lock ${verb}`, title: plain(`${scopeText(lock.scope)}: ${lock.reason}`), facts: [['Lock', plain(lock.id)], ['By', plain(nameOf(people, lock.by))], ['At', instant(at)]],
    changes: [], details: [], notes: [], standing: lock.state === 'set' ? 'Calls are refused and open requests are frozen until it is lifted.' : 'Calls are taken again.',
  }
}

function reviewWords({ opened, closed, at }: ReviewSubject, people: People): Words {
  const by = opened?.by.map((id) => nameOf(people, id)).join(', ') ?? 'somebody'
  return {
    headline: closed === undefined ? 'Break-glass: a review is wanted' : 'Break-glass: reviewed', title: plain(opened?.summary ?? closed?.approval ?? ''),
    facts: [['By', plain(by)], ['Why', plain(opened?.reason ?? 'not known')], ['Agent', plain(opened?.agent ?? closed?.agent ?? '')], ['At', instant(at)], ['Request', plain(opened?.approval ?? closed?.approval ?? '')]],
    changes: [], details: [], notes: [],
    standing: plain(closed === undefined ? 'It was approved by one person at once. Another person has to look at it and close the review.' : `Closed by ${nameOf(people, closed.by)}: ${closed.note}`),
  }
}

function scopeText(scope: EventData<'lock.changed'>['scope']): string {
  if (typeof scope !== 'object' || scope === null || !('kind' in scope)) return 'Something'
  const { kind, ...named } = scope as { readonly kind: string }
  const [name] = Object.values(named)
  return typeof name === 'string' ? `${kind} ${name}` : String(kind)
}

export type { Words } from './message-text.ts'
