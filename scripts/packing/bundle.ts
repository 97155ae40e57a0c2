/** Bundles the command, its worker threads and all libraries into one flat folder of ECMAScript modules for Node 24. */
import { readImportGraph } from '../checks/import-graph.ts'
import { readWorkspace } from '../checks/workspace.ts'
import { buildModules, type Bundle } from './build-modules.ts'
import { locateFiles } from './located-files.ts'

export const PACKED = 'services/cli'

/** `folder`: where the modules are written; undefined builds in memory only, to look at. */
export async function bundle(root: string, folder: string | undefined): Promise<Bundle> {
  const located = locateFiles(readImportGraph(root, readWorkspace(root)), PACKED)
  const { metafile, copies } = await buildModules(root, { entryPoints: { main: `${PACKED}/src/main.ts` }, located, folder })
  return { metafile, copies: new Map([...copies, ...SANDBOX_FILES]) }
}

/** Where the sandbox looks for its own files. */
export const SANDBOX_FILES: readonly (readonly [string, string])[] = [['shared/sandbox/policies', './sandbox/policies'], ['shared/sandbox/people.yaml', './sandbox/people.yaml']]
