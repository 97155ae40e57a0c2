export { byCollection, readOnly, type Route } from './by-collection.ts'
export { openFirestore, type FirestoreOptions, type FirestoreStore } from './open-firestore.ts'
export { createOutboxRelay, type OutboxRelay, type OutboxRelayOptions } from './outbox-relay.ts'
export type { Outbox } from './outbox.ts'
