/** Masking of answers: personal data, secrets and named fields, in JSON and text, whole or in chunks (invariant 9). Pure. */
export { canInspect } from './inspectable.ts'
export { containsMarker, marker, MARKER_PATTERN } from './marker.ts'
export { createMasker } from './masker.ts'
export type { Masker, MaskerOptions, MaskStream } from './masker.ts'
export { detectorNames, detectorSets, maskProblems } from './plan.ts'
