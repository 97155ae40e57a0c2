/**
 * What may stand in a document: JSON and nothing that JSON would change in silence (a Date, bytes, NaN, a Map). A field
 * that is undefined is left out, as in every store.
 */

/** Deeper than any document of the house; also ends what contains itself. */
const MAX_DEPTH = 100

/** TypeError that names the place. */
export function checkPlain(value: unknown, place: string, depth = 0): void {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new TypeError(`${place} is ${value}, which JSON cannot carry`)
    return
  }
  if (typeof value !== 'object') throw new TypeError(`${place} is a ${typeof value}, which JSON cannot carry`)
  if (depth >= MAX_DEPTH) throw new TypeError(`${place.slice(0, 200)} is nested more than ${MAX_DEPTH} deep`)
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) checkPlain(value[index], `${place}[${index}]`, depth + 1)
    return
  }
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) throw new TypeError(`${place} is no plain object`)
  for (const [name, field] of Object.entries(value)) {
    if (field !== undefined) checkPlain(field, `${place}.${name}`, depth + 1)
  }
}
