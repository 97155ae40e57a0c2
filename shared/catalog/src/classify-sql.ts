/** What a BigQuery SQL text does, as far as its statements say. Fails closed: what is not recognised is `unknown`. */
import { lexSql, type SqlToken } from './sql-lexer.ts'

export type SqlClass =
  /** Queries only. */
  | 'select'
  /** INSERT, UPDATE, DELETE, MERGE, TRUNCATE, LOAD DATA. */
  | 'dml'
  /** CREATE, ALTER, DROP, UNDROP. */
  | 'ddl'
  /** GRANT, REVOKE. */
  | 'dcl'
  /** EXPORT DATA and its kin: data leaves. */
  | 'export'
  /** Control flow, variables, transactions, or statements of more than one kind. */
  | 'script'
  /** CALL, EXECUTE IMMEDIATE, EXTERNAL_QUERY, and whatever is not recognised. */
  | 'unknown'

/** 1 MiB is BigQuery's own limit for an unresolved query. */
const MAX_LENGTH = 1_048_576

const FIRST_WORDS: Readonly<Record<string, SqlClass>> = {
  INSERT: 'dml', UPDATE: 'dml', DELETE: 'dml', MERGE: 'dml', TRUNCATE: 'dml', LOAD: 'dml',
  CREATE: 'ddl', ALTER: 'ddl', DROP: 'ddl', UNDROP: 'ddl',
  GRANT: 'dcl', REVOKE: 'dcl',
  EXPORT: 'export',
  DECLARE: 'script', SET: 'script', BEGIN: 'script', COMMIT: 'script', ROLLBACK: 'script', IF: 'script', CASE: 'script', LOOP: 'script', WHILE: 'script',
  REPEAT: 'script', FOR: 'script', BREAK: 'script', LEAVE: 'script', CONTINUE: 'script', ITERATE: 'script', RETURN: 'script', RAISE: 'script', ASSERT: 'script',
  END: 'script', ELSE: 'script', ELSEIF: 'script', UNTIL: 'script', WHEN: 'script',
}

/** Steps of a pipe query that only read. `|> CALL`, `|> INSERT`, `|> EXPORT DATA`, `|> CREATE TABLE` and later inventions are not among them. */
const READING_PIPES: ReadonlySet<string> = new Set([
  'SELECT', 'EXTEND', 'SET', 'DROP', 'RENAME', 'AS', 'WHERE', 'AGGREGATE', 'DISTINCT', 'JOIN', 'INNER', 'LEFT', 'RIGHT', 'FULL', 'CROSS', 'ORDER', 'LIMIT',
  'UNION', 'INTERSECT', 'EXCEPT', 'TABLESAMPLE', 'PIVOT', 'UNPIVOT', 'WINDOW', 'WITH',
])

/** Table functions that hand text to another engine. */
const FOREIGN: ReadonlySet<string> = new Set(['EXTERNAL_QUERY'])

/** Every statement counts: a text is `select` only if each of its statements is a query. */
export function classifySql(text: string): SqlClass {
  const tokens = text.length > MAX_LENGTH ? undefined : lexSql(text)
  if (tokens === undefined) return 'unknown'
  const classes = new Set(statementsOf(tokens).map(classifyStatement))
  if (classes.size === 0 || classes.has('unknown')) return 'unknown'
  if (classes.has('script')) return holdsDynamicSql(tokens) ? 'unknown' : 'script'
  classes.delete('select')
  const [only] = classes
  return only === undefined ? 'select' : classes.size === 1 ? only : 'script'
}

function statementsOf(tokens: readonly SqlToken[]): readonly (readonly SqlToken[])[] {
  const statements: SqlToken[][] = [[]]
  for (const token of tokens) {
    if (isMark(token, ';')) statements.push([])
    else statements.at(-1)?.push(token)
  }
  return statements.filter((statement) => statement.length > 0)
}

function classifyStatement(tokens: readonly SqlToken[]): SqlClass {
  const start = tokens.findIndex((token) => !isMark(token, '('))
  const first = tokens[start]
  if (first?.kind !== 'word') return 'unknown'
  if (first.text === 'SELECT' || first.text === 'FROM') return classifyQuery(tokens)
  if (first.text === 'WITH') return queryAfterWith(tokens, start) ? classifyQuery(tokens) : 'unknown'
  if (start > 0) return 'unknown'
  return FIRST_WORDS[first.text] ?? 'unknown'
}

function classifyQuery(tokens: readonly SqlToken[]): SqlClass {
  if (tokens.some((token) => (token.kind === 'word' || token.kind === 'quoted') && FOREIGN.has(token.text.toUpperCase()))) return 'unknown'
  const pipes = tokens.flatMap((token, index) => isMark(token, '>') && isMark(tokens[index - 1], '|') ? [tokens[index + 1]] : [])
  return pipes.every((step) => step?.kind === 'word' && READING_PIPES.has(step.text)) ? 'select' : 'unknown'
}

/** Passes over `WITH [RECURSIVE] name [(columns)] AS (…) [, …]`; what follows must be a query again. */
function queryAfterWith(tokens: readonly SqlToken[], start: number): boolean {
  let depth = 0
  for (let at = start + 1; at < tokens.length; at++) {
    const token = tokens[at]
    if (isMark(token, '(')) depth++
    else if (isMark(token, ')')) depth--
    // The first word after a closed list of columns is AS; after a closed body it is the query or a comma.
    else if (depth === 0 && isMark(tokens[at - 1], ')') && !isMark(token, ',') && !isWord(token, 'AS')) return isWord(token, 'SELECT') || isWord(token, 'FROM')
    if (depth < 0) return false
    if (depth === 1 && isMark(token, '(') && isMark(tokens[at - 1], ')')) return queryInside(tokens, at)
  }
  return false
}

/** `WITH x AS (…) (SELECT …)`. */
function queryInside(tokens: readonly SqlToken[], from: number): boolean {
  const first = tokens.slice(from).find((token) => !isMark(token, '('))
  return isWord(first, 'SELECT') || isWord(first, 'FROM')
}

/** Inside a script any statement may be hidden in a branch; those that run text or other code make it unknown. */
function holdsDynamicSql(tokens: readonly SqlToken[]): boolean {
  return tokens.some((token) => isWord(token, 'EXECUTE') || isWord(token, 'CALL') || isWord(token, 'EXTERNAL_QUERY'))
}

function isMark(token: SqlToken | undefined, text: string): boolean {
  return token?.kind === 'mark' && token.text === text
}

function isWord(token: SqlToken | undefined, text: string): boolean {
  return token?.kind === 'word' && token.text === text
}
