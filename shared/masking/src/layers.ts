/** Layers of JSON or base64 inside one another that are opened; what is wrapped deeper is masked whole. */
export const MAX_LAYERS = 3
