export * from './builders.ts'
export { collector, type Collector } from './collector.ts'
export { blobStoreCompliance } from './compliance/blob-store.ts'
export { documentStoreCompliance } from './compliance/document-store.ts'
export { eventBusCompliance } from './compliance/event-bus.ts'
export { secretSourceCompliance } from './compliance/secret-source.ts'
export { signerCompliance } from './compliance/signer.ts'
export {
  COMPLIANCE_SUBSCRIPTIONS, THINGS, type OpenedBlobs, type OpenedDocuments, type OpenedEvents, type OpenedSecrets, type OpenedSigner, type SuiteSettings, type Thing,
} from './compliance/subjects.ts'
export { manualClock, type ManualClock } from './manual-clock.ts'
export { tempDir } from './temp-dir.ts'
