/**
 * Lockkeeper with everything on, as `up` starts it: verified tokens, policy, durable records, a credential.
 * argv: upstream port, directory, and as JSON the configuration's `telemetry`, where there is to be some. Prints its port and a token; a policy file that appears in the directory is published.
 */
import { generateKeyPairSync } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createLogger } from '@lockkeeper/service-kit'
import { exportJWK, SignJWT } from 'jose'
import { loadConfig } from '../../services/cli/src/gateway/load-config.ts'
import { openGateway } from '../../services/cli/src/gateway/wire.ts'

const [upstream = '', directory = '', telemetry] = process.argv.slice(2)
const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const keys = { keys: [{ ...await exportJWK(publicKey), kid: 'bench', alg: 'RS256', use: 'sig' }] }
await mkdir(join(directory, 'policies'), { recursive: true })
await mkdir(join(directory, 'secrets'), { recursive: true, mode: 0o700 })
await writeFile(join(directory, 'jwks.json'), JSON.stringify(keys))
await writeFile(join(directory, 'secrets', 'upstream'), 'bench-upstream-credential-0123456789', { mode: 0o600 })
await writeFile(join(directory, 'policies', 'bench.yaml'), `apiVersion: lockkeeper.dev/v1
kind: Policy
metadata: { name: bench, owner: bench }
agents: ['issuer:bench']
rules:
  - name: plain
    methods: [storage.objects.get, storage.objects.list]
    resources: ['//storage.googleapis.com/projects/_/buckets/plain', '//storage.googleapis.com/projects/_/buckets/plain/**']
    effect: allow
  - name: masked
    methods: [storage.objects.get, storage.objects.list]
    resources: ['//storage.googleapis.com/projects/_/buckets/masked', '//storage.googleapis.com/projects/_/buckets/masked/**']
    effect: allow
    mask: [personal-data, secrets]
`)
await writeFile(join(directory, 'lockkeeper.yaml'), `apiVersion: lockkeeper.dev/v1
kind: Gateway
mode: sandbox
listen: { port: 0 }
issuers:
  - { name: bench, issuer: "http://127.0.0.1:1/bench", audience: lockkeeper, jwks: ./jwks.json, agent: { id: claims.sub } }
targets:
  - { name: google, hosts: ["*.googleapis.com"], upstream: "http://127.0.0.1:${upstream}", credential: { secret: upstream } }
secrets: ./secrets
isolation: none
log: error
${telemetry === undefined ? '' : `telemetry: ${telemetry}\n`}`)
const loaded = loadConfig(join(directory, 'lockkeeper.yaml'), {})
if ('problems' in loaded) throw new Error(JSON.stringify(loaded.problems))
const gateway = await openGateway({ loaded, isolation: 'none', log: createLogger('bench', { level: 'error' }), onFailure: (error) => { throw error } })
await gateway.start()
const token = await new SignJWT({}).setProtectedHeader({ alg: 'RS256', kid: 'bench' }).setIssuer('http://127.0.0.1:1/bench').setSubject('bench-agent').setAudience('lockkeeper').setIssuedAt().setExpirationTime('1h').setJti('run-1').sign(privateKey)
process.stdout.write(`${JSON.stringify({ port: Number(new URL(gateway.origin).port), token })}\n`)
process.once('SIGTERM', () => void gateway.drain().then(() => process.exit(0)))
