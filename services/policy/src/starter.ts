import { fileURLToPath } from 'node:url'

/** The folder of starter policies with their cases. `packaged`: where it lies when this package is bundled. */
export function starterFolder(packaged: URL = new URL('../starter/', import.meta.url)): string {
  return fileURLToPath(packaged)
}
