import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { blobsSchema, callersSchema, identitySchema, loadServiceSettings, secretsSchema, serviceSettings, signerSchema } from './index.ts'

const schema = z.strictObject({ ...serviceSettings, signer: signerSchema, blobs: blobsSchema, secrets: secretsSchema, callers: callersSchema, identity: identitySchema })
const KEY = 'projects/p/locations/europe-west1/keyRings/r/cryptoKeys/k/cryptoKeyVersions/3'
const REAL = `apiVersion: lockkeeper.dev/v1
mode: real
project: my-project
signer: { kms: ${KEY} }
blobs: { bucket: my-bucket, prefix: log/ }
secrets: { secretManager: { receipts: { secret: projects/my-project/secrets/receipts, version: 3 } } }
callers: { audience: "https://approval.example", allowed: [proxy@my-project.iam.gserviceaccount.com] }
identity: { metadata: true }
`
const SANDBOX = `apiVersion: lockkeeper.dev/v1
mode: sandbox
project: my-project
emulators: { firestore: "localhost:1", pubsub: "localhost:2" }
signer: { file: key.pem }
blobs: { directory: blobs }
secrets: { directory: secrets }
callers: { issuers: [{ issuer: "http://127.0.0.1:9000" }], audience: "https://approval.example", allowed: [proxy@my-project.iam.gserviceaccount.com] }
identity: { tokenFile: token }
`

describe('service-kit: settings of a service', () => {
  let directory: string
  before(() => { directory = mkdtempSync(join(tmpdir(), 'lockkeeper-settings-')) })
  after(() => rmSync(directory, { recursive: true, force: true }))
  const load = (text: string, environment: Record<string, string> = {}) => {
    const file = join(directory, 'service.yaml')
    writeFileSync(file, text)
    return loadServiceSettings(schema, { LOCKKEEPER_CONFIG: file, ...environment })
  }
  const problemsOf = (text: string, environment?: Record<string, string>): readonly string[] => {
    const loaded = load(text, environment)
    return 'problems' in loaded ? loaded.problems.map(({ path }) => path) : []
  }

  it('sound settings of either mode are taken, with the port that Cloud Run says', () => {
    const real = load(REAL, { PORT: '9090' })
    assert.ok('settings' in real)
    assert.deepEqual([real.port, real.directory, real.settings.callers.issuers[0]?.issuer], [9090, directory, 'https://accounts.google.com'])
    assert.ok('settings' in load(SANDBOX, { FIRESTORE_EMULATOR_HOST: 'localhost:1' }))
  })

  it('invariant 14: real mode refuses every stand-in, each at its line', () => {
    assert.deepEqual(problemsOf(SANDBOX.replace('mode: sandbox', 'mode: real')).toSorted(), ['blobs.directory', 'callers.issuers.0.issuer', 'emulators', 'identity.tokenFile', 'secrets.directory', 'signer.file'])
  })

  it('invariant 14: real mode refuses variables that lead Google\'s libraries elsewhere', () => {
    for (const name of ['FIRESTORE_EMULATOR_HOST', 'PUBSUB_EMULATOR_HOST', 'STORAGE_EMULATOR_HOST', 'GCE_METADATA_HOST', 'NODE_TLS_REJECT_UNAUTHORIZED']) assert.deepEqual(problemsOf(REAL, { [name]: 'localhost:1' }), [name])
  })

  it('invariant 14: a file whose mode cannot be read counts as real', () => {
    assert.ok(problemsOf(REAL.replace('mode: real', 'mode: reel'), { PUBSUB_EMULATOR_HOST: 'localhost:1' }).includes('PUBSUB_EMULATOR_HOST'))
  })

  it('invariant 14: in real mode telemetry goes over https or to this machine', () => {
    const withOtlp = (text: string, otlp: string): readonly string[] => problemsOf(`${text}telemetry: { otlp: "${otlp}" }\n`)
    assert.deepEqual([withOtlp(REAL, 'https://otlp.example'), withOtlp(REAL, 'http://127.0.0.1:4318'), withOtlp(SANDBOX, 'http://collector:4318')], [[], [], []])
    assert.deepEqual([withOtlp(REAL, 'http://collector:4318'), withOtlp(REAL, 'https://user:secret@otlp.example')], [['telemetry.otlp'], ['telemetry.otlp']])
  })

  it('invariant 14: the sandbox never touches Google Cloud', () => {
    assert.deepEqual(problemsOf(SANDBOX.replace(/emulators:.*\n/, '')), ['emulators'])
  })

  it('unknown variables, unknown keys and wrong values are named together', () => {
    const problems = problemsOf(REAL.replace('project: my-project', 'project: X\nprojekt: y').replace('version: 3', 'version: newest'), { LOCKKEEPER_CONFG: 'x', PORT: 'http' })
    for (const path of ['LOCKKEEPER_CONFG', 'PORT', 'project', 'projekt']) assert.ok(problems.includes(path), path)
    assert.ok(problems.some((path) => path.startsWith('secrets')))
  })

  it('no file, or none that can be read, is a problem', () => {
    assert.ok('problems' in loadServiceSettings(schema, {}))
    assert.ok('problems' in loadServiceSettings(schema, { LOCKKEEPER_CONFIG: join(directory, 'gone.yaml') }))
  })

  it('what the service itself finds is named at its line', () => {
    const file = join(directory, 'checked.yaml')
    writeFileSync(file, REAL)
    const loaded = loadServiceSettings(schema, { LOCKKEEPER_CONFIG: file }, () => [{ path: ['project'], message: 'not this one' }])
    assert.deepEqual('problems' in loaded && loaded.problems.map(({ line, message }) => [line, message]), [[3, 'not this one']])
  })
})
