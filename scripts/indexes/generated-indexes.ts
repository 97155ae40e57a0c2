import { databaseIndexes } from '@lockkeeper/adapter-google-cloud/firestore'
import { collections as approval } from '@lockkeeper/approval'
import { collections as console } from '@lockkeeper/console'
import type { Collection } from '@lockkeeper/domain/ports'
import { collections as notifier } from '@lockkeeper/notifier'
import { collections as policy } from '@lockkeeper/policy'
import { collections as audit } from '../../services/audit/src/lease.ts'

/** What lies in the database of each service that has one. */
export const DATABASES: Readonly<Record<string, readonly Collection[]>> = { approval, audit, console, notifier, policy }

/** File, below the repository's root, and content. */
export function generatedIndexes(): ReadonlyMap<string, string> {
  return new Map(Object.entries(DATABASES).map(([name, collections]) => [`infra/firestore/${name}.indexes.json`, `${JSON.stringify(databaseIndexes(collections), undefined, 2)}\n`]))
}
