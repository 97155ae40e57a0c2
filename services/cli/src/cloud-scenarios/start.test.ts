import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { tempDir } from '@lockkeeper/testkit'

const SERVICES = ['proxy', 'policy', 'approval', 'audit', 'notifier', 'console'] as const
const CALLERS = 'audience: "https://service.example", allowed: [kim@acme.example]'
/** Stand-ins for Google everywhere, in the words of every service; each refuses those that it does not know as well. */
const REAL = `apiVersion: lockkeeper.dev/v1
kind: Nothing
mode: real
project: my-project
emulators: { firestore: "localhost:1", pubsub: "localhost:2" }
blobs: { directory: blobs }
signer: { file: key.pem }
operators: { issuers: [{ issuer: "http://127.0.0.1:9" }], ${CALLERS} }
`

describe('Google Cloud edition: how a service refuses to start', function () {
  this.timeout(20_000)
  const directory = tempDir()
  const start = async (name: string, environment: Readonly<Record<string, string>>): Promise<{ readonly code: number, readonly output: string }> => {
    const { PATH = '', NODE_V8_COVERAGE } = process.env
    const child = spawn(process.execPath, [fileURLToPath(import.meta.resolve(`../../../${name}/src/main.ts`))], { env: { PATH, ...NODE_V8_COVERAGE === undefined ? {} : { NODE_V8_COVERAGE }, ...environment }, stdio: ['ignore', 'ignore', 'pipe'] })
    let output = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => { output += text })
    const [code] = await once(child, 'close') as [number]
    return { code, output }
  }

  for (const name of SERVICES) {
    it(`invariant 14: ${name} names all that is wrong at once, and nothing of the sandbox starts in real mode`, async () => {
      const file = join(directory, `${name}.yaml`)
      writeFileSync(file, REAL)
      const { code, output } = await start(name, { LOCKKEEPER_CONFIG: file, LOCKKEEPER_TYPO: 'x', PUBSUB_EMULATOR_HOST: 'localhost:2', PORT: '0' })
      assert.equal(code, 1)
      for (const wanted of ['nothing was started', 'LOCKKEEPER_TYPO', 'PUBSUB_EMULATOR_HOST', 'yaml:2 kind', 'yaml:5 emulators', 'yaml:6 blobs.directory', 'yaml:7 signer.file', 'operators.issuers.0.issuer']) assert.ok(output.includes(wanted), `${wanted}: ${output}`)
    })
  }
})
