/**
 * `import('a-commonjs-library')` gives named exports in Node, which looks for them in the text of the library. esbuild's chunks only
 * have a default export then. This puts a module between that names what Node names.
 */
import { findPackageJSON } from 'node:module'
import { readFileSync } from 'node:fs'
import { dirname, extname } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Plugin } from 'esbuild'

const NAMESPACE = 'dynamic-commonjs'

export function nameDynamicCommonJs(): Plugin {
  return {
    name: NAMESPACE,
    setup(builder) {
      builder.onResolve({ filter: /^[^./]/ }, async ({ path, kind, pluginData, ...where }) => {
        if (kind !== 'dynamic-import' || pluginData === NAMESPACE) return undefined
        const resolved = await builder.resolve(path, { ...where, kind, pluginData: NAMESPACE })
        return resolved.errors.length === 0 && !resolved.external && isCommonJs(resolved.path) ? { path: resolved.path, namespace: NAMESPACE } : resolved
      })
      builder.onLoad({ filter: /.*/, namespace: NAMESPACE }, async ({ path }) => ({ loader: 'js', resolveDir: dirname(path), contents: await namingModule(path) }))
    },
  }
}

/** Node's own rule. */
function isCommonJs(path: string): boolean {
  if (!path.includes('node_modules') || extname(path) === '.mjs') return false
  if (extname(path) === '.cjs') return true
  const manifest = findPackageJSON(pathToFileURL(path))
  return manifest === undefined || (JSON.parse(readFileSync(manifest, 'utf8')) as { readonly type?: string }).type !== 'module'
}

async function namingModule(path: string): Promise<string> {
  const library = await import(pathToFileURL(path).href) as Readonly<Record<string, unknown>>
  const names = Object.keys(library).filter((name) => name !== 'default' && name !== '__esModule' && /^[A-Za-z_$][\w$]*$/.test(name))
  return [
    // Not an import: for a library that marks itself as transpiled, its default would be exports.default, where Node gives module.exports.
    `const library = require(${JSON.stringify(path)})`,
    'export default library',
    ...names.map((name, index) => `const name${index} = library.${name}\nexport { name${index} as ${name} }`),
  ].join('\n')
}
