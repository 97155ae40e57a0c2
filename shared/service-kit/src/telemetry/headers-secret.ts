/** What a receiver is shown, from a secret: one `Name: value` a line. */

const MOST_HEADERS = 20
const LINE = /^([!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}): ?([\t\x20-\x7e]{1,8192})$/

/** TypeError, which holds nothing of the text, where a line is no header. */
export function readHeaders(text: string): Readonly<Record<string, string>> {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '')
  if (lines.length > MOST_HEADERS) throw new TypeError(`telemetry headers: over ${MOST_HEADERS} lines`)
  return Object.fromEntries(lines.map((line, index) => {
    const [, name, value] = LINE.exec(line) ?? []
    if (name === undefined || value === undefined) throw new TypeError(`telemetry headers: line ${index + 1} is not "Name: value"`)
    return [name.toLowerCase(), value.trim()]
  }))
}
