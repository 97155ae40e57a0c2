/** How commands speak: tables for people, one JSON document for programs. */
export interface Column<T> { readonly title: string, readonly value: (row: T) => string }

/** Control characters of foreign text never reach a terminal. */
export function plain(text: string): string {
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, '�').replace(/[\t\n]/g, ' ')
}

/** The same, line by line. */
export function plainLines(text: string): string {
  return text.split('\n').map(plain).join('\n')
}

export function printTable<T>(rows: readonly T[], columns: readonly Column<T>[], empty: string): void {
  if (rows.length === 0) return print(empty)
  const cells = [columns.map(({ title }) => title), ...rows.map((row) => columns.map(({ value }) => plain(value(row))))]
  const widths = columns.map((_, index) => Math.max(...cells.map((line) => (line[index] as string).length)))
  for (const line of cells) print(line.map((cell, index) => index === columns.length - 1 ? cell : cell.padEnd(widths[index] as number)).join('  '))
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value, null, 2))
}

export function print(text: string): void {
  process.stdout.write(`${text}\n`)
}

export function ago(at: number, now: number): string {
  const seconds = Math.max(0, Math.round((now - at) / 1000))
  if (seconds < 120) return `${seconds}s ago`
  if (seconds < 7200) return `${Math.round(seconds / 60)}m ago`
  return new Date(at).toISOString().slice(0, 16).replace('T', ' ')
}
