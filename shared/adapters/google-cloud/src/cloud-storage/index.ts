export { RetentionNotMet } from './blob-failures.ts'
export { readRetention, type Retention } from './bucket-retention.ts'
export { cloudStorageBlobs, type CloudStorageSettings } from './cloud-storage-blobs.ts'
