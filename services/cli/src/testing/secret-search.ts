/** Tests only: whether a secret stands anywhere, as it is or in an encoding that a careless writer would use. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'

/** Every form in which the secret may stand: plain, hex, and base64 at each of the three alignments, both alphabets. */
function formsOf(secret: string): readonly Buffer[] {
  const bytes = Buffer.from(secret)
  const base64 = [0, 1, 2].flatMap((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64').replace(/=+$/, '')
    // The edges mix with what stands beside the secret.
    const inner = text.slice(shift === 0 ? 0 : shift + 1, -2)
    return [inner, inner.replaceAll('+', '-').replaceAll('/', '_')]
  })
  return [...new Set([secret, encodeURIComponent(secret), bytes.toString('hex'), ...base64])].map((form) => Buffer.from(form))
}

/** The names of secrets that stand in `content`. */
export function secretsIn(content: Uint8Array | string, secrets: Readonly<Record<string, string>>): readonly string[] {
  const bytes = Buffer.from(content as string)
  const views = bytes[0] === 0x1f && bytes[1] === 0x8b ? [bytes, gunzipSync(bytes)] : [bytes]
  return Object.entries(secrets).filter(([, secret]) => views.some((view) => formsOf(secret).some((form) => view.includes(form)))).map(([name]) => name)
}

/** `file: name of the secret` for every file under `directory`, read raw. */
export async function secretsInFiles(directory: string, secrets: Readonly<Record<string, string>>): Promise<readonly string[]> {
  const found: string[] = []
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    found.push(...secretsIn(await readFile(path), secrets).map((name) => `${path}: ${name}`))
  }
  return found
}
