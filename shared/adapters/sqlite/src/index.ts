export { openFileBlobs } from './file-blobs.ts'
export { openKeyFile } from './key-file.ts'
export { openSqlite, type SqliteOptions, type SqliteStore } from './open-sqlite.ts'
export { environmentSecrets, fileSecrets } from './secrets.ts'
