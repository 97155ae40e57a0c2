/** What an expression may not do although CEL can: everything whose cost grows faster than its input. */
import type { ASTNode } from '@marcbachmann/cel-js'
import type { LinearPatterns } from './linear-patterns.ts'

/** Structural limits handed to the parser. */
export const LIMITS = { maxAstNodes: 500, maxDepth: 24, maxListElements: 200, maxMapEntries: 100, maxCallArguments: 8 } as const
/** Characters of one expression. */
export const MAX_EXPRESSION_LENGTH = 8_192

const COMPREHENSIONS: ReadonlySet<string> = new Set(['all', 'exists', 'exists_one', 'map', 'filter'])
/** Functions whose time grows with text times argument: the argument must be written out. */
const WANT_WRITTEN: ReadonlySet<string> = new Set(['contains', 'indexOf', 'lastIndexOf', 'duration'])
/** Functions that are not offered, each with what to write instead. */
const REFUSED: Readonly<Record<string, string>> = {
  matches: 'matches() may take exponential time; write .re2(\'…\') instead',
  bind: 'cel.bind() can double a text with every use; write the expression out',
  json: 'json() yields values that nothing bounds; compare the text or use the parsed body',
}

export interface Fault { readonly message: string, readonly at: number }

interface Scope {
  readonly patterns: LinearPatterns
  readonly insideLoop: boolean
  /** Loop variables over lists that are written out: as good as written out themselves. */
  readonly written: ReadonlySet<string>
}

/** The first rule that the expression breaks, or undefined. Runs before the type check, which rewrites the tree. */
export function findFault(root: ASTNode, patterns: LinearPatterns): Fault | undefined {
  return faultOf(root, { patterns, insideLoop: false, written: new Set() })
}

function faultOf(node: ASTNode, scope: Scope): Fault | undefined {
  if (node.op === 'call' || node.op === 'rcall') return callFault(node, scope)
  if (node.op === 'in' && scope.insideLoop && node.args[1].op !== 'list') {
    return { message: 'inside a comprehension `in` takes a list written out, e.g. x in ["a", "b"]; anything else is a nested loop', at: node.start }
  }
  return firstFault(childrenOf(node), scope)
}

function callFault(node: Extract<ASTNode, { op: 'call' | 'rcall' }>, scope: Scope): Fault | undefined {
  const name = node.args[0]
  const args = node.op === 'rcall' ? node.args[2] : node.args[1]
  const refused = Object.hasOwn(REFUSED, name) ? REFUSED[name] : undefined
  if (refused !== undefined) return { message: refused, at: node.start }
  if (name === 're2') return patternFault(node, args, scope) ?? firstFault(childrenOf(node), scope)
  if (WANT_WRITTEN.has(name) && args[0] !== undefined && !isWritten(args[0], scope)) return { message: `${name}() takes a text that is written out`, at: node.start }
  if (node.op === 'rcall' && COMPREHENSIONS.has(name) && args.length >= 2) return loopFault(node, scope)
  return firstFault(childrenOf(node), scope)
}

function loopFault(node: Extract<ASTNode, { op: 'rcall' }>, scope: Scope): Fault | undefined {
  const [name, range, [variable, ...steps]] = node.args
  const isList = range.op === 'list'
  if (scope.insideLoop && !isList) return { message: `.${name}() inside another comprehension is a nested loop; use the derived fields (call.iam.addedMembers …) or a list written out`, at: node.start }
  const written = new Set(scope.written)
  if (variable?.op === 'id') {
    if (isList && range.args.every((item) => isWritten(item, scope))) written.add(variable.args)
    else written.delete(variable.args)
  }
  return faultOf(range, scope) ?? firstFault(steps, { ...scope, insideLoop: true, written })
}

function isWritten(node: ASTNode, scope: Scope): boolean {
  return node.op === 'value' || (node.op === 'id' && scope.written.has(node.args))
}

function patternFault(node: ASTNode, args: readonly ASTNode[], { patterns }: Scope): Fault | undefined {
  const pattern = args[0]
  if (args.length !== 1 || pattern?.op !== 'value' || typeof pattern.args !== 'string') return { message: 're2() takes one pattern, written out as a string', at: node.start }
  const problem = patterns.prepare(pattern.args)
  return problem === undefined ? undefined : { message: problem, at: pattern.start }
}

function firstFault(nodes: readonly ASTNode[], scope: Scope): Fault | undefined {
  for (const node of nodes) {
    const fault = faultOf(node, scope)
    if (fault !== undefined) return fault
  }
  return undefined
}

function childrenOf(node: ASTNode): readonly ASTNode[] {
  switch (node.op) {
    case 'value': case 'id': return []
    case '.': case '.?': return [node.args[0]]
    case 'call': return node.args[1]
    case 'rcall': return [node.args[1], ...node.args[2]]
    case 'list': return node.args
    case 'map': return node.args.flat()
    case '!_': case '-_': return [node.args]
    default: return node.args
  }
}

/** Names of the variables that the expression reads; loop variables are among them and do no harm. */
export function namesIn(root: ASTNode): ReadonlySet<string> {
  const names = new Set<string>()
  const visit = (node: ASTNode): void => {
    if (node.op === 'id') names.add(node.args)
    for (const child of childrenOf(node)) visit(child)
  }
  visit(root)
  return names
}
