/**
 * `npm run images`: every service's bundle in dist/images, and from it its image `lockkeeper/NAME:TAG`, by one recipe. Only dist/images
 * goes to the engine, and nothing that the classic builder lacks is used.
 *   NAME        that image alone
 *   --bundles   the bundles alone; needs no engine
 *   --no-cache  every layer anew
 *   NODE_IMAGE  the base, where it is another than the recipe's
 *   TAG         default `dev`
 *   SOURCE_DATE_EPOCH  the time that the files bear; default 0, so that the same sources give the same layers
 */
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import { promisify } from 'node:util'
import { IMAGES, stageImage } from './images/image-bundle.ts'

const run = promisify(execFile)
const ROOT = join(import.meta.dirname, '..')
const RECIPE = join(ROOT, 'infra/image/Dockerfile')
const FOLDER = join(ROOT, 'dist/images')

async function main(): Promise<void> {
  const epoch = Number(process.env['SOURCE_DATE_EPOCH'] ?? 0)
  if (!Number.isSafeInteger(epoch) || epoch < 0) throw new TypeError('SOURCE_DATE_EPOCH is seconds since 1970')
  const given = process.argv.slice(2)
  const names = given.filter((one) => !one.startsWith('--'))
  const images = IMAGES.filter(({ name }) => names.length === 0 || names.includes(name))
  for (const image of images) await stageImage(ROOT, image, join(FOLDER, image.name), epoch)
  if (given.includes('--bundles')) return
  const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { readonly version: string }
  const revision = await run('git', ['rev-parse', 'HEAD'], { cwd: ROOT }).then(({ stdout }) => stdout.trim(), () => 'unknown')
  for (const { name } of images) process.stdout.write(`${await buildImage(name, { VERSION: version, REVISION: revision }, given.includes('--no-cache') ? ['--no-cache'] : [])}\n`)
}

/** Resolves with one line: the image and its size. */
async function buildImage(name: string, given: Readonly<Record<string, string>>, options: readonly string[]): Promise<string> {
  const { NODE_IMAGE, TAG = 'dev', PATH = '', HOME = '', DOCKER_HOST, DOCKER_CONFIG } = process.env
  const tag = `lockkeeper/${name}:${TAG}`
  const settings = { SERVICE: name, ...given, ...NODE_IMAGE === undefined || NODE_IMAGE === '' ? {} : { NODE_IMAGE } }
  const env = { PATH, HOME, ...DOCKER_HOST === undefined ? {} : { DOCKER_HOST }, ...DOCKER_CONFIG === undefined ? {} : { DOCKER_CONFIG } }
  await run('docker', ['build', '--quiet', ...options, '--file', RECIPE, '--tag', tag, ...Object.entries(settings).flatMap(([key, value]) => ['--build-arg', `${key}=${value}`]), FOLDER], { env, maxBuffer: 16 * 1024 ** 2 })
  const { stdout } = await run('docker', ['image', 'inspect', '--format', '{{.Size}}', tag], { env })
  return `${tag}: ${(Number(stdout) / 1e6).toFixed(0)} MB`
}

await main()
