/** One image's files, `dist/images/NAME/app`: the bundle of a service, what it reads beside itself, licences, the health check. */
import { chmod, cp, lutimes, mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join, posix } from 'node:path'
import { reachable, readImportGraph } from '../checks/import-graph.ts'
import { readWorkspace } from '../checks/workspace.ts'
import { buildModules, type Bundle } from '../packing/build-modules.ts'
import { SANDBOX_FILES } from '../packing/bundle.ts'
import { buildConsolePage, CONSOLE_PAGE, withPageLibraries } from '../packing/console-page.ts'
import { locateFiles } from '../packing/located-files.ts'
import { thirdPartyLicences } from '../packing/third-party.ts'

export interface ImageSource {
  /** Of the image and of its folder. */
  readonly name: string
  /** From the root. */
  readonly main: string
  /** Stand-ins for what surrounds the services; never deployed. */
  readonly sandbox?: true
}

export const IMAGES: readonly ImageSource[] = [
  ...['proxy', 'policy', 'approval', 'audit', 'notifier', 'console'].map((name) => ({ name, main: `services/${name}/src/main.ts` })),
  { name: 'stand-ins', main: 'services/cli/src/testing/stand-ins/main.ts', sandbox: true },
]

/** `folder`: undefined builds in memory only, to look at. */
export async function bundleImage(root: string, { main, sandbox }: ImageSource, folder: string | undefined): Promise<Bundle> {
  const graph = readImportGraph(root, readWorkspace(root), [main])
  const located = locateFiles({ ...graph, production: reachable(graph.files, [main]) }, posix.dirname(posix.dirname(main)))
  const { metafile, copies } = await buildModules(root, { entryPoints: { main }, located, folder })
  return { metafile, copies: new Map([...copies, ...sandbox === true ? SANDBOX_FILES : []]) }
}

/** Invariant 14: no image of a service holds anything of the sandbox or of a test. */
export function imageFaults(files: Iterable<string>): readonly string[] {
  return [...files].filter((input) => /^shared\/(?:sandbox|testkit)\/|\/testing\/|\.test\.ts$/.test(input)).map((input) => `the image contains ${input}`)
}

/** Writes `context/app` anew. `epoch`: seconds; the time that every file and folder in it bears. */
export async function stageImage(root: string, image: ImageSource, context: string, epoch: number): Promise<void> {
  const folder = join(context, 'app')
  await rm(context, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  if (image.name === 'console') await buildConsolePage(root)
  const { metafile, copies } = await bundleImage(root, image, folder)
  const faults = image.sandbox === true ? [] : imageFaults(Object.keys(metafile.inputs))
  if (faults.length > 0) throw new Error(`${image.name}: ${faults.join('\n')}`)
  for (const [from, to] of [...copies, ...image.name === 'console' ? [CONSOLE_PAGE] : [], ['infra/image/health.js', 'health.js'], ['LICENSE', 'LICENSE']] as const) {
    await mkdir(dirname(join(folder, to)), { recursive: true })
    await cp(join(root, from), join(folder, to), { recursive: true })
  }
  await writeFile(join(folder, 'THIRD-PARTY-LICENSES.txt'), thirdPartyLicences(root, image.name === 'console' ? withPageLibraries(metafile) : metafile))
  await writeFile(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n')
  await settle(context, epoch)
}

/** One time, and modes that do not depend on who builds: the same files make the same layer. */
async function settle(path: string, epoch: number): Promise<void> {
  for (const entry of await readdir(path, { withFileTypes: true })) {
    const inner = join(path, entry.name)
    if (entry.isDirectory()) await settle(inner, epoch)
    else {
      await chmod(inner, 0o644)
      await lutimes(inner, epoch, epoch)
    }
  }
  await chmod(path, 0o755)
  await lutimes(path, epoch, epoch)
}
