/** `npm run sbom`: a bill of materials for the command and for every image, dist/sbom/NAME.cdx.json. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { bundleImage, IMAGES } from './images/image-bundle.ts'
import { bundle } from './packing/bundle.ts'
import { withPageLibraries } from './packing/console-page.ts'
import { sbomOf } from './supply-chain/sbom.ts'

const ROOT = join(import.meta.dirname, '..')
const FOLDER = join(ROOT, 'dist/sbom')

mkdirSync(FOLDER, { recursive: true })
const bundles = [{ name: 'lockkeeper', metafile: (await bundle(ROOT, undefined)).metafile }]
for (const image of IMAGES.filter(({ sandbox }) => sandbox !== true)) {
  const { metafile } = await bundleImage(ROOT, image, undefined)
  bundles.push({ name: `lockkeeper-${image.name}`, metafile: image.name === 'console' ? withPageLibraries(metafile) : metafile })
}
for (const { name, metafile } of bundles) {
  const sbom = sbomOf(ROOT, name, metafile)
  writeFileSync(join(FOLDER, `${name}.cdx.json`), `${JSON.stringify(sbom, undefined, 2)}\n`)
  process.stdout.write(`dist/sbom/${name}.cdx.json: ${sbom.components.length} libraries\n`)
}
