/** The plain words of a card: what a method does, why its risk class matters, what happened before. Tables, not code. */
import type { RiskClass } from '@lockkeeper/domain'
import type { Earlier } from './approval-case.ts'
import { instant } from './outcome-texts.ts'
import { visible } from './shown-text.ts'

const RISKS: Readonly<Record<RiskClass, string>> = {
  critical: 'can hand over control of a project, its keys or its log, or destroy what cannot be brought back',
  high: 'changes access, runs code, opens a way in or out, or removes things of value',
  medium: 'changes a running system in a way that can be undone',
  'sensitive-read': 'reads secrets or personal data, or reads in bulk',
  change: 'changes something',
  read: 'reads and changes nothing',
}

/** An unknown class is shown as one, never as a harmless one. */
export function riskWhy(risk: string): string {
  return Object.hasOwn(RISKS, risk) ? RISKS[risk as RiskClass] : 'is of a class that the gateway has no words for; look closely'
}

const ACTIONS: Readonly<Record<string, string>> = {
  setIamPolicy: 'Change who has access to', getIamPolicy: 'Read who has access to', delete: 'Delete', remove: 'Remove', destroy: 'Destroy',
  create: 'Create', insert: 'Create', add: 'Add', patch: 'Change', update: 'Change', replaceService: 'Replace', get: 'Read', list: 'List',
  disable: 'Disable', enable: 'Enable', undelete: 'Restore', access: 'Read the secret value of', run: 'Run', stop: 'Stop', start: 'Start', reset: 'Reset',
  query: 'Run a query in', rewrite: 'Copy over', copy: 'Copy', compose: 'Compose', move: 'Move', publish: 'Publish to', commit: 'Write to',
  search: 'Search', addVersion: 'Add a version to', setMetadata: 'Change the metadata of', testIamPermissions: 'Test access to',
}

/** `storage.buckets.delete` on `//…/projects/_/buckets/b`: “Delete projects/_/buckets/b”. */
export function titleOf(method: string, resources: readonly string[], host: string): string {
  const parts = method.split('.')
  const verb = parts.at(-1) ?? ''
  const action = Object.hasOwn(ACTIONS, verb) ? ACTIONS[verb] : undefined
  const first = resources[0]
  const place = first === undefined ? host : first.replace(/^\/\/[^/]+\//, '')
  const more = resources.length > 1 ? ` and ${resources.length - 1} more` : ''
  const title = action === undefined ? `Call ${method} on ${place}` : `${action} ${kindOf(parts.at(-2), place)}${place}`
  return visible(`${title}${more}`).slice(0, 400)
}

/** What kind of thing it is, where its name does not say so itself. */
function kindOf(plural: string | undefined, place: string): string {
  if (plural === undefined || plural === '' || `/${place}`.includes(`/${plural}/`)) return ''
  const words = plural.replace(/([a-z])([A-Z])/g, '$1 $2').toLowerCase()
  const singular = words.endsWith('ies') ? `${words.slice(0, -3)}y` : words.replace(/s$/, '')
  return `${singular === 'policie' ? 'policy' : singular} `
}

/** One sentence about the same call's past. */
export function earlierText({ approval, at, state, status, why, agent, run }: Earlier): string {
  const who = `${visible(approval)}, agent ${visible(agent)}, run ${visible(run)}`
  const because = why === undefined ? '' : `: ${visible(why)}`
  switch (state) {
    case 'answered': return `The same call ran at ${instant(at)} with status ${status ?? 'unknown'} (${who}). Approving runs it again.`
    case 'unknown': return `The same call was dialled before and it is not known whether it ran (${who}, ${instant(at)}${because}). Look at the resource before approving.`
    case 'denied': return `The same call was denied at ${instant(at)} (${who})${because}.`
    case 'expired': return `The same call was asked for before and ran out of time at ${instant(at)} (${who}).`
    case 'cancelled': return `The same call was asked for before and withdrawn at ${instant(at)} (${who})${because}`
  }
}
