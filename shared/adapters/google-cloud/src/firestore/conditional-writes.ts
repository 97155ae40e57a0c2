/**
 * The writes of a commit that happens only while everything that was read is as it was read. Every document that was read carries a
 * precondition, which Firestore checks when it commits: nothing is locked between read and commit, so that a process that dies in
 * between keeps nobody from anything.
 */
import { PortUnavailable } from '@lockkeeper/domain/ports'
import type { Precondition, StoredDocument, StoredWrite } from './encoding.ts'

/** `read` by full name; undefined: there was none. Writes to other documents are passed on as they are. */
export function conditionalWrites(read: ReadonlyMap<string, StoredDocument | undefined>, writes: readonly StoredWrite[]): readonly StoredWrite[] {
  const written = new Set(writes.map(nameOf))
  const conditional = writes.map((write): StoredWrite => {
    const name = nameOf(write)
    return write.currentDocument !== undefined || !read.has(name) ? write : { ...write, currentDocument: asRead(name, read.get(name)) }
  })
  return [...conditional, ...[...read].filter(([name]) => !written.has(name)).map(([name, stored]) => unchanged(name, stored))]
}

function nameOf(write: StoredWrite): string {
  return write.update?.name ?? write.delete ?? ''
}

/** Every write of ours has a new `v`, so that every one of them gives the document a new time. */
function asRead(name: string, stored: StoredDocument | undefined): Precondition {
  if (stored === undefined) return { exists: false }
  if (stored.updateTime === undefined || stored.updateTime === null) throw new PortUnavailable(`Firestore: an answer lacks the update time of ${name}`)
  return { updateTime: stored.updateTime }
}

/** Changes nothing: no field is in the mask, and what is not there cannot be deleted. */
function unchanged(name: string, stored: StoredDocument | undefined): StoredWrite {
  const currentDocument = asRead(name, stored)
  return stored === undefined ? { delete: name, currentDocument } : { update: { name, fields: {} }, updateMask: { fieldPaths: [] }, currentDocument }
}
