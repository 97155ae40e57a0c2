/**
 * `node scripts/terraform/try-configurations.ts [FOLDER …]` has Terraform itself validate configurations and run their tests, offline:
 * what they need of the provider, its schema, a stand-in serves. Folders below terraform/; all of them when none is named. Everything
 * happens in a copy, so that nothing is left in the checkout. Exit code 1 when any of them is wrong, 2 where Terraform is missing.
 */
import { spawn, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import process from 'node:process'
import { readProviderSchema } from './provider-schema.ts'
import { serveProvider } from './stand-in/serve-provider.ts'

const ROOT = join(import.meta.dirname, '../..')
const LIMIT_MS = 300_000
/** Most of an answer that is kept, in characters; what follows is the end of a long list of the same fault. */
const ANSWER = 20_000

export interface Tried {
  /** What Terraform said when it ended with a fault. */
  readonly faults: readonly string[]
  /** Runs of `*.tftest.hcl` that passed. */
  readonly passed: number
}

export interface Trial {
  try(folder: string): Promise<Tried>
  close(): void
}

export function terraformIsHere(): boolean {
  return spawnSync('terraform', ['version'], { timeout: 30_000, env: environment(tmpdir()) }).status === 0
}

/** Every folder below terraform/ that has tests: all modules and roots. */
export function configurations(): readonly string[] {
  return ['modules', 'environments'].flatMap((group) => readdirSync(join(ROOT, 'terraform', group)).sort().map((name) => `${group}/${name}`)).concat('bootstrap')
}

export async function openTrial(source: string): Promise<Trial> {
  const place = mkdtempSync(join(tmpdir(), 'lockkeeper-terraform-'))
  for (const name of ['terraform', 'infra']) {
    if (existsSync(join(source, name))) cpSync(join(source, name), join(place, name), { recursive: true, filter: (path) => !basename(path).startsWith('.terraform') })
  }
  const provider = await serveProvider(readProviderSchema(join(import.meta.dirname, 'provider-schema.json')))
  return {
    async try(folder) {
      const terraform = (...words: readonly string[]) => runTerraform(join(place, 'terraform', folder), words, { ...environment(place), ...provider.environment })
      for (const words of [['init', '-backend=false', '-input=false', '-no-color'], ['validate', '-no-color']]) {
        const { code, answer } = await terraform(...words)
        if (code !== 0) return { faults: [answer], passed: 0 }
      }
      const { code, answer } = await terraform('test', '-no-color')
      return { faults: code === 0 ? [] : [answer], passed: Number(/(\d+) passed/.exec(answer)?.[1] ?? 0) }
    },
    close() {
      provider.close()
      rmSync(place, { recursive: true, force: true })
    },
  }
}

/** Nothing of the caller's: no credential, no plug-in folder, no settings of Terraform's. */
function environment(home: string): NodeJS.ProcessEnv {
  return { PATH: process.env['PATH'] ?? '', HOME: home, CHECKPOINT_DISABLE: '1', TF_IN_AUTOMATION: '1' }
}

function runTerraform(folder: string, words: readonly string[], env: NodeJS.ProcessEnv): Promise<{ readonly code: number | null, readonly answer: string }> {
  return new Promise((resolve) => {
    const said = (code: number | null, answer: string) => resolve({ code, answer: `terraform ${words.join(' ')} in ${basename(folder)}, code ${code}:\n${answer}` })
    const child = spawn('terraform', words, { cwd: folder, env, timeout: LIMIT_MS, stdio: ['ignore', 'pipe', 'pipe'] })
    let answer = ''
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => { answer = (answer + text).slice(-ANSWER) })
    child.once('error', (error) => said(null, error.message)).once('close', (code) => said(code, answer))
  })
}

async function main(named: readonly string[]): Promise<number> {
  if (!terraformIsHere()) {
    process.stderr.write('Terraform is not here: https://developer.hashicorp.com/terraform/install\n')
    return 2
  }
  const trial = await openTrial(ROOT)
  try {
    let wrong = 0
    for (const folder of named.length > 0 ? named.map((one) => one.replace(/^terraform\//, '').replace(/\/$/, '')) : configurations()) {
      const { faults, passed } = await trial.try(folder)
      process.stdout.write(faults.length === 0 ? `ok   ${folder}: ${passed} passed\n` : `FAIL ${folder}\n${faults.join('\n')}\n`)
      wrong += faults.length
    }
    return wrong === 0 ? 0 : 1
  } finally {
    trial.close()
  }
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2))
