/** Links of all pages: relative ones lead to a file or folder of the repository and to a heading that is there; others are https. Pages of docs/ that nothing leads to are found too. */
import { posix } from 'node:path'
import { readPage, type Page } from '../docs/markdown.ts'
import type { RepositoryFile } from './repository-files.ts'

const START = 'README.md'

export function checkLinks(files: readonly RepositoryFile[]): readonly string[] {
  const pages = new Map(files.filter(({ file }) => file.endsWith('.md')).map(({ file, text }) => [file, readPage(text)]))
  const places = new Set(files.flatMap(({ file }) => [file, ...foldersAbove(file)]))
  return [...[...pages].flatMap(([file, page]) => page.links.flatMap(({ target, line }) => {
    const fault = faultOf(file, target, pages, places)
    return fault === undefined ? [] : [`${file}:${line} links to ${target}: ${fault}`]
  })), ...unreached(pages)]
}

function foldersAbove(file: string): readonly string[] {
  const parent = posix.dirname(file)
  return parent === '.' ? ['.'] : [parent, ...foldersAbove(parent)]
}

/** The file that a relative link leads to; undefined where it leads out of the repository. */
function placeOf(from: string, target: string): string | undefined {
  if (/^[a-z][a-z0-9+.-]*:/i.test(target)) return undefined
  const [path = ''] = target.split('#')
  return path === '' ? from : posix.normalize(posix.join(posix.dirname(from), decodeURIComponent(path))).replace(/\/$/, '')
}

function faultOf(from: string, target: string, pages: ReadonlyMap<string, Page>, places: ReadonlySet<string>): string | undefined {
  const place = placeOf(from, target)
  if (place === undefined) {
    if (target.startsWith('mailto:')) return undefined
    return URL.canParse(target) && new URL(target).protocol === 'https:' ? undefined : 'it is no https address'
  }
  if (target.startsWith('/')) return 'it must be relative'
  if (!places.has(place)) return 'there is no such file'
  const anchor = target.split('#')[1]
  if (anchor === undefined) return undefined
  const page = pages.get(place)
  return page === undefined || page.anchors.has(anchor) ? undefined : `${place} has no heading for #${anchor}`
}

function unreached(pages: ReadonlyMap<string, Page>): readonly string[] {
  const reached = new Set([START])
  for (const file of reached) {
    for (const { target } of pages.get(file)?.links ?? []) {
      const place = placeOf(file, target)
      for (const one of place === undefined ? [] : [place, `${place}/README.md`]) if (pages.has(one)) reached.add(one)
    }
  }
  return [...pages.keys()].filter((file) => /^(?:docs|terraform)\//.test(file) && !reached.has(file)).map((file) => `${file}:1 no link from ${START} leads here`)
}
