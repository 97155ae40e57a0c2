/** What an expression may not do although CEL can: everything whose cost grows faster than its input. */
import type { ASTNode } from '@marcbachmann/cel-js'
import type { LinearPatterns } from './linear-patterns.ts'

/** Structural limits handed to the parser. */
export const LIMITS = { maxAstNodes: 500, maxDepth: 24, maxListElements: 200, maxMapEntries: 100, maxCallArguments: 8 } as const
/** Characters of one expression. */
export const MAX_EXPRESSION_LENGTH = 8_192

const COMPREHENSIONS: ReadonlySet<string> = new Set(['all', 'exists', 'exists_one', 'map', 'filter'])

export interface Fault { readonly message: string, readonly at: number }

/** The first rule that the expression breaks, or undefined. Runs before the type check, which rewrites the tree. */
export function findFault(root: ASTNode, patterns: LinearPatterns): Fault | undefined {
  return faultOf(root, false, patterns)
}

function faultOf(node: ASTNode, insideComprehension: boolean, patterns: LinearPatterns): Fault | undefined {
  if (node.op === 'call' && node.args[0] === 'matches') return { message: 'matches() may take exponential time; write .re2(\'…\') instead', at: node.start }
  if (node.op === 'rcall') return callFault(node, insideComprehension, patterns)
  if (node.op === 'in' && insideComprehension && node.args[1].op !== 'list') {
    return { message: 'inside a comprehension `in` takes a list written out, e.g. x in ["a", "b"]; anything else is a nested loop', at: node.start }
  }
  return firstFault(childrenOf(node), insideComprehension, patterns)
}

function callFault(node: Extract<ASTNode, { op: 'rcall' }>, inside: boolean, patterns: LinearPatterns): Fault | undefined {
  const [name, receiver, args] = node.args
  if (name === 'matches') return { message: 'matches() may take exponential time; write .re2(\'…\') instead', at: node.start }
  if (name === 'bind' && receiver.op === 'id' && receiver.args === 'cel') return { message: 'cel.bind() can double a text with every use; write the expression out', at: node.start }
  if (name === 're2') return patternFault(node, args, patterns) ?? faultOf(receiver, inside, patterns)
  if (!COMPREHENSIONS.has(name) || args.length < 2) return firstFault([receiver, ...args], inside, patterns)
  if (inside && receiver.op !== 'list') return { message: `.${name}() inside another comprehension is a nested loop; use the derived fields (call.iam.addedMembers …) or a list written out`, at: node.start }
  return faultOf(receiver, inside, patterns) ?? firstFault(args, true, patterns)
}

function patternFault(node: ASTNode, args: readonly ASTNode[], patterns: LinearPatterns): Fault | undefined {
  const pattern = args[0]
  if (args.length !== 1 || pattern?.op !== 'value' || typeof pattern.args !== 'string') return { message: 're2() takes one pattern, written out as a string', at: node.start }
  const problem = patterns.prepare(pattern.args)
  return problem === undefined ? undefined : { message: problem, at: pattern.start }
}

function firstFault(nodes: readonly ASTNode[], inside: boolean, patterns: LinearPatterns): Fault | undefined {
  for (const node of nodes) {
    const fault = faultOf(node, inside, patterns)
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
