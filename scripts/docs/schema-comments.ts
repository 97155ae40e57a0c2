/**
 * What the comments beside a zod schema's properties say. The schemas are written with JSDoc comments, which run-time code does not
 * see; this reads them from the source, through spreads, arrays, unions, local names and imports of the workspace.
 */
import { readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import ts from 'typescript'
import type { WorkspacePackage } from '../checks/workspace.ts'

/** Path of properties (`issuers.agent.run`; arrays and unions leave no trace in it) → comment. */
export type Comments = ReadonlyMap<string, string>

interface Scope { readonly root: string, readonly packages: ReadonlyMap<string, WorkspacePackage>, readonly file: string, readonly source: ts.SourceFile }

/** TypeError when the file has no such constant. */
export function readComments(root: string, packages: ReadonlyMap<string, WorkspacePackage>, file: string, name: string): Comments {
  const found = declarationOf(openScope(root, packages, file), name)
  if (found === undefined) throw new TypeError(`${file} declares no ${name}`)
  const comments = new Map<string, string>()
  collect(found.initializer, found.scope, '', comments)
  return comments
}

function openScope(root: string, packages: ReadonlyMap<string, WorkspacePackage>, file: string): Scope {
  return { root, packages, file, source: ts.createSourceFile(file, readFileSync(join(root, file), 'utf8'), ts.ScriptTarget.Latest, true) }
}

function collect(node: ts.Node, scope: Scope, path: string, into: Map<string, string>): void {
  if (ts.isObjectLiteralExpression(node)) for (const property of node.properties) collectProperty(property, scope, path, into)
  else if (ts.isArrayLiteralExpression(node)) for (const element of node.elements) collect(element, scope, path, into)
  else if (ts.isIdentifier(node)) {
    const found = declarationOf(scope, node.text)
    if (found !== undefined) collect(found.initializer, found.scope, path, into)
  } else if (ts.isCallExpression(node)) {
    const { expression } = node
    // `z.array(…)` and its kin describe what they hold; `.default(…)`, `.optional()` and other methods what they stand on.
    const ofZod = ts.isPropertyAccessExpression(expression) && ts.isIdentifier(expression.expression) && expression.expression.text === 'z'
    if (ofZod) for (const argument of node.arguments) collect(argument, scope, path, into)
    else if (ts.isPropertyAccessExpression(expression)) collect(expression.expression, scope, path, into)
  }
}

function collectProperty(property: ts.ObjectLiteralElementLike, scope: Scope, path: string, into: Map<string, string>): void {
  if (ts.isSpreadAssignment(property)) return collect(property.expression, scope, path, into)
  if (property.name === undefined || !(ts.isIdentifier(property.name) || ts.isStringLiteral(property.name))) return
  const here = path === '' ? property.name.text : `${path}.${property.name.text}`
  const comment = ts.getJSDocCommentsAndTags(property).map(({ comment: said }) => ts.getTextOfJSDocComment(said) ?? '').join(' ').replaceAll(/\s+/g, ' ').trim()
  if (comment !== '') into.set(here, comment)
  if (ts.isPropertyAssignment(property)) collect(property.initializer, scope, here, into)
  else if (ts.isShorthandPropertyAssignment(property)) collect(property.name, scope, here, into)
}

function declarationOf(scope: Scope, name: string): { readonly initializer: ts.Expression, readonly scope: Scope } | undefined {
  for (const statement of scope.source.statements) {
    if (ts.isVariableStatement(statement)) {
      const declared = statement.declarationList.declarations.find((one) => ts.isIdentifier(one.name) && one.name.text === name)
      if (declared?.initializer !== undefined) return { initializer: declared.initializer, scope }
    }
    const next = sourceOf(statement, name, scope)
    if (next !== undefined) return declarationOf(openScope(scope.root, scope.packages, next.file), next.name)
  }
  return undefined
}

/** Where an imported or re-exported name comes from, within the workspace. */
function sourceOf(statement: ts.Statement, name: string, scope: Scope): { readonly file: string, readonly name: string } | undefined {
  const bindings = ts.isImportDeclaration(statement) ? statement.importClause?.namedBindings : ts.isExportDeclaration(statement) ? statement.exportClause : undefined
  if (bindings === undefined || !(ts.isNamedImports(bindings) || ts.isNamedExports(bindings))) return undefined
  const found = bindings.elements.find((one) => one.name.text === name)
  const from = (statement as ts.ImportDeclaration | ts.ExportDeclaration).moduleSpecifier
  if (found === undefined || from === undefined || !ts.isStringLiteral(from)) return undefined
  const target = fileOf(from.text, scope)
  return target === undefined ? undefined : { file: target, name: (found.propertyName ?? found.name).text }
}

function fileOf(specifier: string, { file, packages }: Scope): string | undefined {
  if (specifier.startsWith('.')) return posix.join(posix.dirname(file), specifier)
  const known = packages.get(specifier)
  const main = known?.manifest.exports?.['.']
  return known === undefined || main === undefined ? undefined : posix.join(known.folder, main)
}
