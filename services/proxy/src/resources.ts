/** Globs over full resource names, as policies write them: `*` stays within one segment, `**` does not. */
import { parseGlob, type Glob } from '@lockkeeper/policy-engine'

const cache = new Map<string, Glob>()
const MAX_CACHED = 1000

/** In time linear in the name, which an agent chooses. TypeError for what is no glob: settings are checked before (`resourceGlobSchema`). */
export function matchesResource(source: string, resource: string): boolean {
  let glob = cache.get(source)
  if (glob === undefined) {
    const parsed = parseGlob(source)
    if ('problem' in parsed) throw new TypeError(`${source}: ${parsed.problem}`)
    if (cache.size >= MAX_CACHED) cache.clear()
    cache.set(source, glob = parsed)
  }
  return glob.matches(resource)
}
