/** A folder of policies as `push` and `pull` see it: its files, and which set it was pulled from. */
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CommandFailed } from '../command-failed.ts'

/** Number of the set that the folder was pulled from or pushed as. Hidden files are no policies. */
const STAMP = '.policy-set'
const NAME = /^[A-Za-z0-9][\w.-]{0,200}\.ya?ml$/

/** CommandFailed with all problems of files that cannot be read. */
export async function readSetFolder(folder: string): Promise<Readonly<Record<string, string>>> {
  const { readFolder, formatProblem } = await import('@lockkeeper/policy')
  const { policies, cases, targets, problems } = await readFolder(folder)
  if (problems.length > 0) throw new CommandFailed(problems.map(formatProblem).join('\n'))
  return Object.fromEntries([...policies, ...cases, ...targets === undefined ? [] : [targets]].map(({ file, text }) => [file, text]))
}

/** Undefined: the folder was never pulled. */
export async function readStamp(folder: string): Promise<string | undefined> {
  const file = join(folder, STAMP)
  if (!existsSync(file)) return undefined
  const text = (await readFile(file, 'utf8')).trim()
  if (!/^\d{1,15}$/.test(text)) throw new CommandFailed(`${file} does not hold the number of a set; remove it, and say --replaces`)
  return text
}

export async function writeStamp(folder: string, number: number): Promise<void> {
  await writeFile(join(folder, STAMP), `${number}\n`)
}

/** Into a folder that is new, empty or was pulled before: what it holds besides is somebody's work and is not written over. */
export async function writeSetFolder(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  // What a gateway sends is no more trusted than what it is sent: a name may not lead out of the folder.
  const odd = Object.keys(files).find((name) => !NAME.test(name))
  if (odd !== undefined) throw new CommandFailed(`the set holds a file of an odd name (${JSON.stringify(odd.slice(0, 100))}); nothing was written`)
  await mkdir(folder, { recursive: true })
  const there = (await readdir(folder)).filter((name) => /\.ya?ml$/.test(name))
  if (there.length > 0 && await readStamp(folder) === undefined) throw new CommandFailed(`${folder} holds files that were not pulled; nothing was written`)
  for (const [name, text] of Object.entries(files)) {
    await writeFile(join(folder, `.${name}.tmp`), text)
    await rename(join(folder, `.${name}.tmp`), join(folder, name))
  }
  for (const name of there) if (!Object.hasOwn(files, name)) await rm(join(folder, name))
}
