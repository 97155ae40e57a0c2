/** Tests only: whether this machine can run docker-compose.test.yml, found out once, when test files are loaded. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export const REPOSITORY = join(import.meta.dirname, '../../../..')
export const COMPOSE_FILE = join(REPOSITORY, 'docker-compose.test.yml')

export type ComposePlan = { readonly compose: readonly [string, ...string[]] } | { readonly why: string }

const ASK_MS = 10_000
const PULL_MS = 300_000
/** The plugin, or Debian's program of its own. */
const COMPOSE = [['docker', 'compose'], ['docker-compose']] as const

export function composePlan(): ComposePlan {
  if (!runs(['docker', 'info'])) return { why: 'no container engine answers' }
  const compose = COMPOSE.find((command) => runs([...command, 'version']))
  if (compose === undefined) return { why: 'there is neither docker compose nor docker-compose' }
  const image = neededImages().find((one) => !runs(['docker', 'image', 'inspect', one]) && !runs(['docker', 'pull', '--quiet', one], PULL_MS))
  return image === undefined ? { compose } : { why: `${image} is not here and could not be pulled` }
}

function neededImages(): readonly string[] {
  const written = (file: string, pattern: RegExp): string => {
    const found = pattern.exec(readFileSync(file, 'utf8'))?.[1]
    if (found === undefined) throw new TypeError(`${file} names no image`)
    return found
  }
  return [
    process.env['NODE_IMAGE'] || written(join(REPOSITORY, 'infra/image/Dockerfile'), /^ARG NODE_IMAGE=(\S+)$/m),
    process.env['EMULATOR_IMAGE'] || written(COMPOSE_FILE, /\$\{EMULATOR_IMAGE:-([^\s}]+)\}/),
  ]
}

function runs([program = '', ...args]: readonly string[], timeout = ASK_MS): boolean {
  return spawnSync(program, args, { stdio: 'ignore', timeout }).status === 0
}
