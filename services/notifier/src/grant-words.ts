/** The words of a message about a pattern grant. */
import type { GrantSubject } from './grant-subject.ts'
import { nameOf, type People } from './people.ts'
import { instant, plain, type Words } from './message-text.ts'

const MOST_RESOURCES = 20

export function grantWords(subject: GrantSubject, people: People): Words {
  const { grant, created } = subject
  const by = created?.by.map((id) => nameOf(people, id)).join(', ')
  const resources = created?.resources ?? []
  const left = resources.length - MOST_RESOURCES
  return {
    headline: `${created?.mode === 'sandbox' ? 'SANDBOX ' : ''}${headlineOf(subject)}`,
    title: plain(created === undefined ? grant : `Up to ${created.uses} calls of ${created.method} by ${created.agent}`),
    facts: created === undefined ? [] : [
      ['By', by ?? ''], ['Agent', created.agent], ...created.run === undefined ? [] : [['Run', created.run] as const], ['Rule', created.rule], ['Until', instant(created.until)], ['Grant', grant], ['Given with', created.approval],
    ].map(([label = '', text = '']) => [label, plain(text)]),
    changes: [],
    details: [...resources.slice(0, MOST_RESOURCES).map(plain), ...left > 0 ? [`… and ${left} more`] : []],
    notes: [], standing: plain(standingOf(subject, people)),
  }
}

function headlineOf({ revoked, ended }: GrantSubject): string {
  if (revoked !== undefined) return 'Pattern revoked'
  return ended === undefined ? 'Pattern approved' : ended.why === 'used' ? 'Pattern used up' : 'Pattern over'
}

function standingOf({ grant, revoked, ended }: GrantSubject, people: People): string {
  if (revoked !== undefined) return `Revoked by ${nameOf(people, revoked.by)} at ${instant(revoked.at)}: ${revoked.reason} Nothing runs under it any more.`
  if (ended === undefined) return `Calls like it run without asking anybody. Take it back with: lockkeeper grants revoke ${grant}`
  return ended.why === 'used' ? `Used up at ${instant(ended.at)}: all ${ended.uses} calls were let through. The next one asks again.` : `Its time was over at ${instant(ended.at)}: ${ended.calls} of ${ended.uses} calls were let through. The next one asks again.`
}
