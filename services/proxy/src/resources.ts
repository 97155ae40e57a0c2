/** Globs over full resource names: `*` stays within one segment, `**` does not. */
const cache = new Map<string, RegExp>()
const MAX_CACHED = 1000

export function matchesResource(glob: string, resource: string): boolean {
  let pattern = cache.get(glob)
  if (pattern === undefined) {
    if (cache.size >= MAX_CACHED) cache.clear()
    const source = glob.split(/(\*\*|\*)/).map((part) => part === '**' ? '.*' : part === '*' ? '[^/]*' : part.replace(/[.+?^${}()|[\]\\]/g, '\\$&')).join('')
    pattern = new RegExp(`^${source}$`, 's')
    cache.set(glob, pattern)
  }
  return pattern.test(resource)
}
