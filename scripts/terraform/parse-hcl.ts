/**
 * hcl2json without its types: they bring the browser's into the whole program (`reference lib="dom"`), where `CryptoKey` and others then
 * mean two things.
 */
import { createRequire } from 'node:module'

/** Rejects with an Error that names line and fault when the text is not HCL. */
export type ParseHcl = (file: string, text: string) => Promise<Record<string, unknown>>

const require = createRequire(import.meta.url)

export const parseHcl: ParseHcl = (file, text) => (require('@cdktf/hcl2json') as { readonly parse: ParseHcl }).parse(file, text)
