import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { globSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { reachable, readImportGraph } from '../checks/import-graph.ts'
import { readWorkspace } from '../checks/workspace.ts'
import { imageFaults, IMAGES, stageImage } from './image-bundle.ts'

const ROOT = join(import.meta.dirname, '../..')

describe('images', () => {
  for (const input of ['shared/sandbox/src/index.ts', 'shared/testkit/src/builders.ts', 'services/cli/src/testing/approvers.ts', 'services/proxy/src/holds.test.ts']) {
    it(`invariant 14: a service's image with ${input} is refused`, () => assert.deepEqual(imageFaults([input]), [`the image contains ${input}`]))
  }

  it('invariant 14: nothing of the sandbox or of a test is in what a service imports', function () {
    this.timeout(60_000)
    const services = IMAGES.filter(({ sandbox }) => sandbox !== true).map(({ main }) => main)
    assert.equal(services.length, 6)
    const { files } = readImportGraph(ROOT, readWorkspace(ROOT), services)
    for (const main of services) assert.deepEqual(imageFaults(reachable(files, [main])), [], main)
  })

  it('the same sources make the same bytes, at the same time, with the same modes', async function () {
    this.timeout(60_000)
    const [image] = IMAGES.filter(({ name }) => name === 'policy')
    assert.ok(image !== undefined)
    const folder = mkdtempSync(join(tmpdir(), 'lockkeeper-images-'))
    try {
      const written = async (name: string): Promise<readonly string[]> => {
        const context = join(folder, name)
        await stageImage(ROOT, image, context, 1_000)
        return globSync('**/*', { cwd: context }).sort().map((path) => {
          const { mode, mtimeMs } = statSync(join(context, path))
          const content = (mode & 0o100) === 0 ? createHash('sha256').update(readFileSync(join(context, path))).digest('hex') : ''
          return `${path} ${(mode & 0o777).toString(8)} ${mtimeMs} ${content}`
        })
      }
      const first = await written('one')
      assert.deepEqual(await written('two'), first)
      for (const wanted of [/^app\/main\.js 644 1000000 /, /^app\/policy-yaml-worker\.js 644 /, /^app\/health\.js 644 /, /^app\/catalog 755 1000000 /]) assert.ok(first.some((line) => wanted.test(line)), String(wanted))
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})
