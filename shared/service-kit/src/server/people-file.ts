/** people.yaml of a service: the persons, or every problem with its place. */
import { peopleDocumentSchema, readPeople } from '@lockkeeper/auth'
import type { Person } from '@lockkeeper/domain'
import { readSettingsFile } from '../settings-file.ts'

export function readPeopleFile(file: string): { readonly persons: readonly Person[] } | { readonly problems: readonly string[] } {
  const { result, source } = readSettingsFile(file, peopleDocumentSchema)
  if ('problems' in result) return { problems: result.problems.map(({ line, path, message }) => `${file}:${line} ${path}: ${message}`) }
  const read = readPeople(result.value)
  if ('people' in read) return { persons: read.people }
  return { problems: read.problems.map(({ path, message }) => `${file}:${source.locate(path)} ${path.join('.')}: ${message}`) }
}

/** TypeError for a file that has been found sound before and no more is. */
export function personsOf(file: string): readonly Person[] {
  const read = readPeopleFile(file)
  if ('problems' in read) throw new TypeError(read.problems.join('\n'))
  return read.persons
}
