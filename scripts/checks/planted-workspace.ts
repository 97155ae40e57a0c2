/** A copy of the real sources in a folder of its own, to plant faults in. For tests only. */
import { cpSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { readWorkspace, sourcesOf } from './workspace.ts'

export interface PlantedWorkspace {
  readonly root: string
  /** Writes a new file. */
  plant(file: string, text: string): void
  /** Adds text at the end of a file. */
  append(file: string, text: string): void
  remove(): void
}

/** `from`: the root of the repository, or undefined for an empty folder. */
export function plantWorkspace(from: string | undefined): PlantedWorkspace {
  const root = mkdtempSync(join(tmpdir(), 'lockkeeper-planted-'))
  const plant = (file: string, text: string): void => {
    mkdirSync(dirname(join(root, file)), { recursive: true })
    writeFileSync(join(root, file), text)
  }
  if (from !== undefined) for (const file of filesOf(from)) {
    mkdirSync(dirname(join(root, file)), { recursive: true })
    cpSync(join(from, file), join(root, file), { recursive: true })
  }
  return {
    root, plant,
    append: (file, text) => writeFileSync(join(root, file), `${readFileSync(join(root, file), 'utf8')}\n${text}\n`),
    remove: () => rmSync(root, { recursive: true, force: true }),
  }
}

function filesOf(root: string): readonly string[] {
  const packages = [...readWorkspace(root).values()]
  const manifests = packages.filter(({ folder }) => folder !== 'scripts').map(({ folder }) => `${folder}/package.json`)
  return ['package.json', 'scripts/layers.json', ...manifests, ...packages.flatMap((one) => sourcesOf(root, one)), ...globSync('services/*/starter', { cwd: root })]
}
