/**
 * Path templates of the generated tables: `/v1/{name=projects/X/topics/X}:publish` with `*` for X. `{x}` and `*` are one
 * segment, `**` one or more, `**2` one or more pairs of segments.
 */
export interface TemplateParameter {
  readonly name: string
  /** First segment, and the one after the last; where the template ends in `**` the last counts as one. */
  readonly from: number
  readonly to: number
}

export interface Template {
  readonly text: string
  /** Literals, `*`, `**`, `**2`. */
  readonly segments: readonly string[]
  readonly parameters: readonly TemplateParameter[]
  /** What follows the last colon: `publish`; empty: none. */
  readonly customVerb: string
}

/** TypeError where the text is no template: the tables are ours. */
export function parseTemplate(text: string): Template {
  const [path = '', customVerb = ''] = splitCustomVerb(text)
  const segments: string[] = []
  const parameters: TemplateParameter[] = []
  for (const piece of path.slice(1).match(/\{[^}]*\}|[^/{}]+/g) ?? []) {
    const from = segments.length
    const [name = '', span = '*'] = piece.startsWith('{') ? piece.slice(1, -1).split('=') : ['', piece]
    segments.push(...span.split('/'))
    if (piece.startsWith('{')) parameters.push({ name, from, to: segments.length })
  }
  if (!path.startsWith('/') || segments.length === 0) throw new TypeError(`not a path template: ${text}`)
  return { text, segments, parameters, customVerb }
}

function splitCustomVerb(text: string): readonly [string, string] {
  const colon = text.lastIndexOf(':')
  return colon < 0 || colon < text.lastIndexOf('}') || colon < text.lastIndexOf('/') ? [text, ''] : [text.slice(0, colon), text.slice(colon + 1)]
}

/** True for `**` and `**2`. */
export function isDeep(segment: string): boolean {
  return segment.startsWith('**')
}

/** True where `a` is at least as literal as `b` in every segment: the reserved word wins over the parameter (`…/images/family`). */
export function isMoreLiteral(a: Template, b: Template): boolean {
  return a.segments.every((segment, index) => !segment.startsWith('*') || (b.segments[index] ?? '').startsWith('*'))
}
