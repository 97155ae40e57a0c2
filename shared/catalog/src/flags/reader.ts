/** The method that reads what another one replaces, found among the methods of the same API version. */
import { isDeep, type Template } from '../template.ts'

export interface ReadCandidate { readonly id: string, readonly change: boolean, readonly template: Template }

/** Their path begins with the source, which they do not change. */
const COPIES: ReadonlySet<string> = new Set(['storage.objects.copy', 'storage.objects.rewrite'])

/**
 * `…getIamPolicy` for `…setIamPolicy`; else the sibling `get`, if this method's path begins with that one's, so that the same
 * resource is read. Undefined for reads, and where no sibling names the resource.
 */
export function readerOf(method: ReadCandidate, methods: ReadonlyMap<string, ReadCandidate>): string | undefined {
  if (!method.change || COPIES.has(method.id)) return undefined
  const resource = method.id.slice(0, method.id.lastIndexOf('.') + 1)
  if (method.id.endsWith('.setIamPolicy')) return existing(`${resource}getIamPolicy`, methods)
  const reader = existing(`${resource}get`, methods)
  const get = reader === undefined ? undefined : methods.get(reader)
  return get !== undefined && beginsWith(method.template, get.template) ? reader : undefined
}

function existing(id: string, methods: ReadonlyMap<string, ReadCandidate>): string | undefined {
  return methods.get(id)?.change === false ? id : undefined
}

function beginsWith(template: Template, start: Template): boolean {
  if (start.customVerb !== '' || start.segments.length > template.segments.length) return false
  if (start.segments.some(isDeep) && start.segments.length !== template.segments.length) return false
  return start.segments.every((segment, index) => segment === template.segments[index])
}
