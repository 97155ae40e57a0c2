/** What the DocumentStore adapters share, so that they judge alike. */
export { ContendedDocuments } from './contention.ts'
export { checkLimit, DeclaredDocuments, keyText, MAX_DOCUMENT_BYTES, type CheckedWrite, type DocKey } from './declared-documents.ts'
export { checkCollections, decodeCursor, encodeCursor, isScalar, shapeOf, type Position, type QueryTerms, type Scalar } from './declared-shapes.ts'
