export { RetentionNotMet } from './blob-failures.ts'
export { cloudStorageBlobs, type CloudStorageSettings } from './cloud-storage-blobs.ts'
