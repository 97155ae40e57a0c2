/**
 * A record as one line of JSON. The encoder is written by hand because it stands on the data path: known fields in a fixed
 * order, absent ones left out, no line break inside a line.
 */
import type { CallFacts, RecordEntry, RecordId } from '@lockkeeper/domain/records'

/** A record as it is read back. */
export type StoredRecord = RecordEntry & { readonly id: RecordId }

const text: (value: string) => string = JSON.stringify

/** TypeError for numbers that JSON lacks: our own mistake. */
export function encodeRecord(id: RecordId, entry: RecordEntry): string {
  const head = `{"id":"${id}","kind":"${entry.kind}","at":${finite(entry.at)},"mode":"${entry.mode}","isolation":"${entry.isolation}","origin":"${entry.origin}"`
  if (entry.kind === 'event') return `${head}${eventMembers(entry)}}`
  if (entry.kind === 'intent') return `${head}${callMembers(entry)}}`
  return `${head}${callMembers(entry)}${outcomeMembers(entry)}}`
}

export function decodeRecord(line: string): StoredRecord {
  return JSON.parse(line) as StoredRecord
}

function callMembers(call: CallFacts): string {
  return optional(',"issuer":', call.issuer) + optional(',"agent":', call.agent) + optional(',"run":', call.run)
    + optional(',"sponsor":', call.sponsor) + optional(',"tokenHash":', call.tokenHash)
    + `,"door":"${call.door}","host":${text(call.host)},"verb":${text(call.verb)},"path":${text(call.path)}`
    + optional(',"target":', call.target) + optional(',"method":', call.method) + optional(',"risk":', call.risk)
    + (call.change === undefined ? '' : call.change ? ',"change":true' : ',"change":false')
    + (call.resources === undefined ? '' : `,"resources":${list(call.resources)}`)
    + optional(',"digest":', call.digest) + (call.effect === undefined ? '' : `,"effect":"${call.effect}"`) + optional(',"rule":', call.rule)
    + (call.notify === true ? ',"notify":true' : '') + optional(',"bundle":', call.bundle) + optional(',"approval":', call.approval) + optional(',"fence":', call.fence)
    + optional(',"principal":', call.principal) + (call.credential === undefined ? '' : `,"credential":"${call.credential}"`) + optional(',"requestBody":', call.requestBody)
    + optional(',"statedReason":', call.statedReason) + optional(',"trace":', call.trace)
}

function outcomeMembers(entry: RecordEntry & { readonly kind: 'outcome' }): string {
  return optional(',"intent":', entry.intent) + optional(',"reference":', entry.reference) + `,"result":"${entry.result}","status":${finite(entry.status)}`
    + optional(',"reason":', entry.reason) + optional(',"detail":', entry.detail)
    + `,"requestBytes":${finite(entry.requestBytes)},"responseBytes":${finite(entry.responseBytes)}`
    + optional(',"responseBody":', entry.responseBody)
    + (entry.masked === undefined ? '' : `,"masked":${finite(entry.masked)}`)
    + `,"durationMs":${finite(entry.durationMs)}`
    + (entry.heldMs === undefined ? '' : `,"heldMs":${finite(entry.heldMs)}`)
}

function eventMembers(entry: RecordEntry & { readonly kind: 'event' }): string {
  return `,"name":${text(entry.name)}` + optional(',"who":', entry.who) + optional(',"run":', entry.run)
    + optional(',"approval":', entry.approval) + `,"text":${text(entry.text)}`
    + (entry.facts === undefined ? '' : `,"facts":${text(entry.facts as unknown as string)}`)
}

function optional(name: string, value: string | undefined): string {
  return value === undefined ? '' : name + text(value)
}

function list(values: readonly string[]): string {
  if (values.length === 1) return `[${text(values[0] as string)}]`
  return JSON.stringify(values)
}

function finite(value: number): number {
  if (!Number.isFinite(value)) throw new TypeError('a record holds a number that JSON lacks')
  return value
}
