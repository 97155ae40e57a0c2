/** Where the sandbox's policies and people lie: beside the source, or beside the packed bundle. */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export interface SandboxFiles {
  /** Folder with the policies and their cases. */
  readonly policies: string
  readonly people: string
}

/** From source `../`, from a bundle `./sandbox/` (the packer copies `policies` and `people.yaml` there). TypeError when neither is there. */
export function sandboxFiles(base: string = import.meta.url): SandboxFiles {
  for (const folder of ['../', './sandbox/']) {
    const people = fileURLToPath(new URL(`${folder}people.yaml`, base))
    if (existsSync(people)) return { people, policies: fileURLToPath(new URL(`${folder}policies`, base)) }
  }
  throw new TypeError('The sandbox\'s people.yaml is neither beside the source nor in sandbox/ beside the bundle')
}
