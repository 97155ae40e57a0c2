/** The built page: a handful of files, read once into memory. */
import { readdir, readFile } from 'node:fs/promises'
import { extname, join } from 'node:path'
import type { RequestHandler } from 'express'

/** Gives the folder that `vite build` made; asked for once, at the first request for a page. */
export type PageFolder = () => Promise<string>

interface PageFile { readonly type: string, readonly bytes: Buffer, readonly hashed: boolean }

const TYPES: Readonly<Record<string, string>> = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.css': 'text/css; charset=utf-8', '.svg': 'image/svg+xml' }
const MOST_FILES = 50
/** The page's own addresses: its script shows what is there. */
const PAGES = /^\/(?:(?:sign-in|history|grants|reviews|runs|locks|load|keys|sign-ins)?|(?:a|open)\/[^/]+|runs\/[^/]+)$/

export function pageFiles(folder: PageFolder): RequestHandler {
  let files: Promise<ReadonlyMap<string, PageFile>> | undefined
  const load = (): Promise<ReadonlyMap<string, PageFile>> => {
    files ??= folder().then(readAll)
    // A build that failed is tried again.
    files.catch(() => { files = undefined })
    return files
  }
  return (request, response, next) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') return next()
    const asset = request.path.startsWith('/assets/') || request.path === '/icon.svg'
    if (!asset && !PAGES.test(request.path)) return next()
    load().then((known) => {
      const file = known.get(asset ? request.path : '/index.html')
      if (file === undefined) return next()
      if (file.hashed) response.set('cache-control', 'public, max-age=31536000, immutable')
      response.set('content-type', file.type).send(file.bytes)
    }).catch(next)
  }
}

async function readAll(folder: string): Promise<ReadonlyMap<string, PageFile>> {
  const names = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile())
  if (names.length === 0 || names.length > MOST_FILES) throw new Error(`${folder} is no built page: it holds ${names.length} files`)
  const read = await Promise.all(names.map(async ({ parentPath, name }) => {
    const path = join(parentPath, name)
    const at = path.slice(folder.replace(/[\\/]$/, '').length).replaceAll('\\', '/')
    return [at, { type: TYPES[extname(name)] ?? 'application/octet-stream', bytes: await readFile(path), hashed: at.startsWith('/assets/') }] as const
  }))
  return new Map(read)
}
