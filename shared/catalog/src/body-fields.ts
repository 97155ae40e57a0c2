/** Request bodies against their schema: Discovery's spelling, known fields, right kinds. */
import { refuse, type Refusal } from '@lockkeeper/domain/errors'
import { isJsonObject, JsonNumber, type Json, type JsonObject } from '@lockkeeper/domain/json'
import { camelCase } from './field-names.ts'
import type { MethodEntry } from './method-entries.ts'
import type { FieldTable, SchemaTable } from './tables.ts'

/** What the checks hand back on refusal. Its own class, because a body may hold any JSON, even one that looks like a Refusal. */
class Fault {
  readonly refusal: Refusal
  constructor(refusal: Refusal) { this.refusal = refusal }
}

interface Rules {
  readonly schemas: SchemaTable
  /** Fields that the schema does not have are refused; of a read they pass unseen. */
  readonly strict: boolean
}

/** See `Catalog.checkBody`. A method without a body takes none, whether it changes anything or not. */
export function checkFields(entry: MethodEntry, body: JsonObject): JsonObject | Refusal {
  if (entry.body === undefined) {
    const [first] = Object.keys(body)
    return first === undefined ? body : refuse('FIELD_UNKNOWN', `${entry.method.id} takes no body; it has ${shown(first)}.`)
  }
  const checked = checkValue(body, `#${entry.body}`, '', { schemas: entry.schemas, strict: entry.method.change })
  return checked instanceof Fault ? checked.refusal : oneWayToSay(entry, checked as JsonObject)
}

/**
 * Compute's setIamPolicy takes the bindings under `policy` and, as it once did, beside it. Which of the two counts where both are
 * sent is nowhere written down, so that one could be judged and the other put in force.
 */
function oneWayToSay({ method }: MethodEntry, body: JsonObject): JsonObject | Refusal {
  if (!method.id.endsWith('.setIamPolicy') || isNothing(body['policy'])) return body
  const twice = ['bindings', 'etag'].find((field) => !isNothing(body[field]))
  return twice === undefined ? body : refuse('REQUEST_AMBIGUOUS', { message: `The body has ${twice} beside a policy. Send the policy alone.`, metadata: { field: twice } })
}

function isNothing(value: Json | undefined): boolean {
  return value === undefined || value === null
}

function checkValue(value: Json, type: string, place: string, rules: Rules): Json | Fault {
  // null clears a field wherever one stands.
  if (value === null || type === 'any') return value
  if (type.startsWith('list:')) return checkList(value, type.slice(5), place, rules)
  if (type.startsWith('map:')) return checkMap(value, type.slice(4), place, rules)
  if (!type.startsWith('#')) return isOfKind(value, type) ? value : wrongKind(place, type)
  const schema = rules.schemas[type.slice(1)]
  if (schema === undefined) throw new TypeError(`the tables have no schema ${type}`)
  if (typeof schema === 'string') return checkValue(value, schema, place, rules)
  return isJsonObject(value) ? checkObject(value, schema, place, rules) : wrongKind(place, 'object')
}

function checkObject(value: JsonObject, fields: FieldTable, place: string, rules: Rules): JsonObject | Fault {
  const checked = Object.create(null) as Record<string, Json>
  for (const key of Object.keys(value)) {
    const name = Object.hasOwn(fields, key) ? key : camelCase(key)
    const type = Object.hasOwn(fields, name) ? fields[name] : undefined
    const here = place === '' ? key : `${place}.${key}`
    if (type === undefined && rules.strict) return new Fault(refuse('FIELD_UNKNOWN', { message: `The method has no field ${shown(here)}.`, metadata: { field: here.slice(0, 300) } }))
    const kept = type === undefined ? key : name
    if (kept in checked) return new Fault(refuse('REQUEST_AMBIGUOUS', `The body has the field ${shown(here)} in two spellings.`))
    const member = type === undefined ? value[key] as Json : checkValue(value[key] as Json, type, here, rules)
    if (member instanceof Fault) return member
    checked[kept] = member
  }
  return checked
}

function checkList(value: Json, type: string, place: string, rules: Rules): Json | Fault {
  if (!Array.isArray(value)) return wrongKind(place, 'list')
  const checked: Json[] = []
  for (const [index, item] of (value as readonly Json[]).entries()) {
    const member = checkValue(item, type, `${place}[${index}]`, rules)
    if (member instanceof Fault) return member
    checked.push(member)
  }
  return checked
}

/** Keys of a map are data: they keep their spelling. */
function checkMap(value: Json, type: string, place: string, rules: Rules): Json | Fault {
  if (!isJsonObject(value)) return wrongKind(place, 'object')
  const checked = Object.create(null) as Record<string, Json>
  for (const key of Object.keys(value)) {
    const member = checkValue(value[key] as Json, type, `${place}.${key}`, rules)
    if (member instanceof Fault) return member
    checked[key] = member
  }
  return checked
}

/** Numbers may come as text, and enums as numbers: protobuf's JSON takes both. */
function isOfKind(value: Json, kind: string): boolean {
  if (kind === 'boolean') return typeof value === 'boolean'
  if (kind === 'string') return typeof value === 'string'
  return typeof value === 'string' || value instanceof JsonNumber
}

function wrongKind(place: string, kind: string): Fault {
  return new Fault(refuse('REQUEST_INVALID', { message: `The body's field ${shown(place)} must be of kind ${kind}.`, metadata: { field: place.slice(0, 300) } }))
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, 300))
}
