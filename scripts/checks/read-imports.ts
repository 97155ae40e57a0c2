/** What a source file imports, read with the TypeScript parser: types, dynamic imports and files that are named by URL as well. */
import ts from 'typescript'

/** `url`: `new URL('./worker.ts', import.meta.url)`, which is how worker threads, children and data folders are found. */
export type ImportKind = 'value' | 'type' | 'dynamic' | 'url'

export interface Import {
  readonly kind: ImportKind
  readonly specifier: string
  readonly line: number
}

export interface Imports {
  readonly imports: readonly Import[]
  /** Lines of `import(…)` whose name is computed, so that nobody can say what they load. */
  readonly computed: readonly number[]
}

/** All of this repository, and as much again. */
const KEPT_TEXTS = 3_000
const read = new Map<string, Imports>()

/** Several checks read the same sources, and reading them all takes seconds; a text is read once for a process. */
export function readImports(file: string, text: string): Imports {
  const kind = kindOf(file)
  const name = `${kind} ${text}`
  const known = read.get(name) ?? parseImports(file, text, kind)
  if (read.size < KEPT_TEXTS) read.set(name, known)
  return known
}

function kindOf(file: string): ts.ScriptKind {
  return file.endsWith('.js') ? ts.ScriptKind.JS : file.endsWith('.tsx') ? ts.ScriptKind.TSX : ts.ScriptKind.TS
}

function parseImports(file: string, text: string, kind: ts.ScriptKind): Imports {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, false, kind)
  const imports: Import[] = []
  const computed: number[] = []
  const lineOf = (node: ts.Node): number => source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1
  const visit = (node: ts.Node): void => {
    const found = importOf(node)
    if (found === 'computed') computed.push(lineOf(node))
    else if (found !== undefined) imports.push({ ...found, line: lineOf(node) })
    ts.forEachChild(node, visit)
  }
  visit(source)
  return { imports, computed }
}

function importOf(node: ts.Node): Omit<Import, 'line'> | 'computed' | undefined {
  if (ts.isImportDeclaration(node)) return named(node.moduleSpecifier, isTypeImport(node) ? 'type' : 'value')
  if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined) return named(node.moduleSpecifier, node.isTypeOnly ? 'type' : 'value')
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) return named(node.argument.literal, 'type')
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) return named(node.arguments[0], 'dynamic') ?? 'computed'
  if (ts.isNewExpression(node) && isFileUrl(node)) return named(node.arguments?.[0], 'url')
  return undefined
}

function named(node: ts.Node | undefined, kind: ImportKind): Omit<Import, 'line'> | undefined {
  return node !== undefined && ts.isStringLiteralLike(node) ? { kind, specifier: node.text } : undefined
}

/** Under verbatimModuleSyntax `import { type A }` still runs the module, so only `import type` counts. */
function isTypeImport({ importClause }: ts.ImportDeclaration): boolean {
  return importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword
}

function isFileUrl({ expression, arguments: given }: ts.NewExpression): boolean {
  const base = given?.[1]
  return ts.isIdentifier(expression) && expression.text === 'URL' && base !== undefined && ts.isPropertyAccessExpression(base)
    && ts.isMetaProperty(base.expression) && base.name.text === 'url'
}
