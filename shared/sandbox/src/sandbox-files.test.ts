import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { sandboxFiles } from './sandbox-files.ts'

describe('the sandbox\'s files', () => {
  it('lie beside the source, policies with their cases', async () => {
    const { policies, people } = sandboxFiles()
    assert.match(await readFile(people, 'utf8'), /groups: \[approvers\]/)
    const names = await readdir(policies)
    assert.ok(names.includes('sandbox-agents.yaml') && names.includes('sandbox-agents.cases.yaml'))
  })

  it('lie in sandbox/ beside a bundle, and their absence is our own mistake', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sandbox-files-'))
    try {
      await mkdir(join(folder, 'dist', 'sandbox'), { recursive: true })
      await writeFile(join(folder, 'dist', 'sandbox', 'people.yaml'), '')
      const bundle = pathToFileURL(join(folder, 'dist', 'main.js')).href
      assert.equal(sandboxFiles(bundle).policies, join(folder, 'dist', 'sandbox', 'policies'))
      await rm(join(folder, 'dist', 'sandbox'), { recursive: true })
      assert.throws(() => sandboxFiles(bundle), TypeError)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
})
