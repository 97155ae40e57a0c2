/** Reading of request bodies: wrong shapes answer as Google does, with 400 and the name of the field. */
import { invalid } from './google-error.ts'

export type Fields = Readonly<Record<string, unknown>>

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** An empty body reads as an empty object, as Google's front end does. */
export function parseFields(bytes: Buffer): Fields {
  if (bytes.length === 0) return {}
  let value: unknown
  try {
    value = JSON.parse(bytes.toString('utf8'))
  } catch (error) {
    throw invalid(`Invalid JSON payload received. ${(error as Error).message}`)
  }
  if (!isFields(value)) throw invalid('Invalid JSON payload received. Root element must be a message.')
  return value
}

export function fieldsAt(body: Fields, name: string): Fields {
  const value = body[name]
  if (value === undefined || value === null) return {}
  if (!isFields(value)) throw invalid(`Invalid value at '${name}': an object is expected.`)
  return value
}

export function textAt(body: Fields, name: string): string | undefined {
  const value = body[name]
  if (value === undefined || value === null) return undefined
  if (typeof value === 'number') return String(value)
  if (typeof value !== 'string') throw invalid(`Invalid value at '${name}': a string is expected.`)
  return value
}

export function listAt(body: Fields, name: string): readonly unknown[] {
  const value = body[name]
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) throw invalid(`Invalid value at '${name}': a list is expected.`)
  return value
}

/** JSON merge patch (RFC 7396) as Google's patch methods apply it: null removes. */
export function merged(target: Fields, patch: Fields): Fields {
  const result: Record<string, unknown> = { ...target }
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name]
    else result[name] = isFields(value) && isFields(result[name]) ? merged(result[name], value) : value
  }
  return result
}
