/** The words of messages that ask nothing of anybody: calls that a rule tells of, a rule that asks much, a decision that changed nothing. */
import type { NoticedCall } from '@lockkeeper/domain/events'
import type { NoticeSubject } from './notice-subject.ts'
import { instant, plain, type Words } from './message-text.ts'
import type { FatigueSubject, RefusalSubject } from './subject.ts'

const marked = (mode: 'sandbox' | 'real', headline: string): string => `${mode === 'sandbox' ? 'SANDBOX ' : ''}${headline}`
const calls = (count: number): string => `${count} ${count === 1 ? 'call' : 'calls'}`

export function noticeWords({ agent, rule, effect, mode, from, until, count, calls: named }: NoticeSubject): Words {
  const methods = [...new Set(named.map(({ method }) => method))]
  const runs = [...new Set(named.map(({ run }) => run))]
  const left = count - named.length
  return {
    headline: marked(mode, effect === 'deny' ? 'Denied by policy' : 'Let through by policy'),
    title: plain(`${agent}: ${calls(count)}, ${shortList(methods, 3)}`),
    facts: [['Agent', plain(agent)], ['Rule', plain(rule)], [runs.length === 1 ? 'Run' : 'Runs', plain(shortList(runs, 5))], ['Calls', String(count)], ['From', instant(from)], ['To', instant(until)]],
    changes: [],
    details: [...named.map((call) => plain(callLine(call))), ...left > 0 ? [`… and ${left} more; lockkeeper audit search finds them all`] : []],
    notes: [], standing: 'The rule says that you are told; nothing is asked of you. Further calls of this agent under this rule are collected and told at the end of the time above.',
  }
}

function callLine({ at, method, resources, result, status, run, record }: NoticedCall): string {
  const end = result === 'unknown' ? 'outcome unknown' : result === 'refused' ? 'denied' : result === 'left' ? 'the client left' : `status ${status}`
  return `${instant(at)} ${method}${resources.length === 0 ? '' : ` on ${resources.join(', ')}`}: ${end} (run ${run}, ${record})`
}

function shortList(items: readonly string[], most: number): string {
  return `${items.slice(0, most).join(', ')}${items.length > most ? ` and ${items.length - most} more` : ''}`
}

export function fatigueWords({ noticed: { rule, day, asked, of, share, mode } }: FatigueSubject): Words {
  return {
    headline: marked(mode, 'One rule asks much'), title: plain(`${rule} has asked for ${asked} of ${of} approvals on ${day}`), facts: [['Rule', plain(rule)], ['Its share at most', `${Math.round(share * 100)} %`]],
    changes: [], details: [], notes: [], standing: 'Who is asked too often stops reading. Narrow the rule, or let approvers give patterns under it.',
  }
}

/** For whoever clicked: that nothing changed, and why. A time-out is never called a denial (invariant 13). */
export function refusalWords({ refused: { verdict, why, mode, approval } }: RefusalSubject): Words {
  return { headline: marked(mode, 'Nothing changed'), title: plain(`Your ${verdict === 'approve' ? 'approval' : 'denial'} of ${approval} does not count.`), facts: [], changes: [], details: [], notes: [], standing: plain(why) }
}
