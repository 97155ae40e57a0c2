/** Methods of targets that are no Google API: the verb is the method, `//host/path` the resource. Every policy knows them. */
import type { Method } from '@lockkeeper/domain'

const VERBS = ['GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'PATCH', 'DELETE'] as const
const READS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])

/** `http.get`, `http.post` …; their host is that of the target, so `*` stands here. */
export const HTTP_METHODS: readonly Method[] = VERBS.map((verb) => ({
  id: `http.${verb.toLowerCase()}`, host: '*', api: 'http', version: 'v1', verb, template: '/**', change: !READS.has(verb), risk: READS.has(verb) ? 'read' : 'change',
  mintsCredential: false, returnsSecret: false, longRunning: false,
}))
