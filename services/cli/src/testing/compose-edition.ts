/** Tests only: docker-compose.test.yml up and running, seen from outside: published ports, tokens, and the engine's own view of the containers. */
import { execFile, spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { ApprovalDocument } from '@lockkeeper/domain/collections'
import { createAgent, type Heard, type TestAgent } from './agent-client.ts'
import { COMPOSE_FILE, REPOSITORY, type ComposePlan } from './compose-plan.ts'
import { createPersonBrowser, type PersonBrowser } from './person-browser.ts'
import { ACCOUNTS, CONSOLE_ORIGIN, ORIGINS, PEOPLE_IDP, type InnerService } from './stand-ins/places.ts'

export const SERVICES = ['proxy', 'policy', 'approval', 'audit', 'notifier', 'console'] as const
export type ComposedService = (typeof SERVICES)[number]

export interface ComposeEdition {
  /** The compose project: containers are `PROJECT_NAME_1` or `PROJECT-NAME-1`, networks `PROJECT_NAME`. */
  readonly project: string
  readonly heard: Heard
  readonly proxy: string
  /** Standard output of `docker ARGS`. */
  docker(args: readonly string[], input?: string): Promise<string>
  /** What the service's container wrote. */
  logs(service: string): Promise<string>
  /** Id of the service's container. */
  container(service: string): string
  /** `http://127.0.0.1:PORT` of what the service publishes. */
  origin(service: string): Promise<string>
  /** Looks every `pollMs` until `/readyz` answers 200, up to 60 s; resolves with the time. */
  ready(service: ComposedService): Promise<number>
  agent(id: string, run?: string): Promise<TestAgent>
  /** An operator's question. */
  ask<T>(service: InnerService, path: string): Promise<T>
  /** A question to the stand-ins. */
  sandbox<T>(path: string, body?: object): Promise<T>
  /** The newest request of the agent once it is in this state, up to 20 s. */
  approval(agent: string, state: string): Promise<ApprovalDocument>
  decide(approval: ApprovalDocument, person: string): Promise<void>
  /** Somebody at a browser of their own, who signs in at the sandbox's identity provider as this person. */
  person(id: string): Promise<PersonBrowser>
  /** A program in Node in the service's image, as a neighbour of the services in that network. Resolves with what it prints. */
  inNetwork(network: string, program: string): Promise<string>
  close(): Promise<void>
}

/** Whose port of 8080 a service has: three are in the network of the stand-in beside them. */
const HOLDERS: Readonly<Partial<Record<string, string>>> = { proxy: 'google', notifier: 'receiver', console: 'people' }
const WAIT_MS = 60_000
const POLL_MS = 10
const run = promisify(execFile)

export async function openComposeEdition({ compose }: Extract<ComposePlan, { readonly compose: unknown }>): Promise<ComposeEdition> {
  const project = `lockkeeper-${randomBytes(4).toString('hex')}`
  const [program, ...before] = [...compose, '--project-name', project, '--file', COMPOSE_FILE]
  const composed = async (...args: readonly string[]): Promise<string> => (await run(program as string, [...before, ...args], { maxBuffer: 16 * 1024 ** 2 })).stdout.trim()
  const down = ['down', '--volumes', '--timeout', '1']
  // For an end that runs no hooks.
  const remove = (): void => void spawnSync(program as string, [...before, ...down], { stdio: 'ignore', timeout: 60_000 })
  process.once('exit', remove)
  const close = async (): Promise<void> => {
    await composed(...down)
    process.off('exit', remove)
  }
  try {
    await run(process.execPath, [join(REPOSITORY, 'scripts/images.ts')], { maxBuffer: 16 * 1024 ** 2 })
    await composed('up', '--detach')
    const ids = new Map(await Promise.all([...SERVICES, 'pusher'].map(async (name) => [name, await composed('ps', '--quiet', name)] as const)))
    return seenFrom({ project, composed, ids, proxy: await originOf(composed, 'proxy'), close })
  } catch (error) {
    const log = await composed('logs', '--tail=20').catch(() => 'no logs')
    await close()
    throw new Error(`the containers do not start: ${(error as Error).message}\n${log}`, { cause: error })
  }
}

interface Started {
  readonly project: string
  readonly composed: (...args: readonly string[]) => Promise<string>
  readonly ids: ReadonlyMap<string, string>
  readonly proxy: string
  readonly close: () => Promise<void>
}

async function originOf(composed: Started['composed'], service: string): Promise<string> {
  return `http://${await composed('port', HOLDERS[service] ?? service, '8080')}`
}

function seenFrom({ project, composed, ids, proxy, close }: Started): ComposeEdition {
  const heard: Heard = { sent: 0, texts: [], tokens: [] }
  const edition: ComposeEdition = {
    project, heard, proxy, close,
    docker: async (args, input) => (await piped(['docker', ...args], input)).out.trim(),
    async logs(service) {
      const { out, err } = await piped(['docker', 'logs', edition.container(service)])
      return out + err
    },
    container: (service) => ids.get(service) ?? '',
    origin: (service) => originOf(composed, service),
    async ready(service) {
      const origin = await edition.origin(service)
      for (const until = performance.now() + WAIT_MS; performance.now() < until; await sleep(POLL_MS)) {
        if ((await fetch(`${origin}/readyz`).catch(() => undefined))?.status === 200) return Date.now()
      }
      throw new Error(`${service} is not ready: ${(await edition.logs(service)).slice(-4_000)}`)
    },
    async agent(id, name = `run-${id}`) {
      const { token } = await edition.sandbox<{ readonly token: string }>('/agent-token', { agent: id, run: name, sponsor: 'sam.sponsor@sandbox.example.com' })
      heard.tokens.push(token)
      return createAgent({ id, run: name, token }, () => proxy, heard)
    },
    async ask(service, path) {
      const { token } = await edition.sandbox<{ readonly token: string }>('/account-token', { email: ACCOUNTS.operator, audience: ORIGINS[service] })
      return answered(await fetch(await edition.origin(service) + path, { headers: { authorization: `Bearer ${token}` } }))
    },
    sandbox: async (path, body) => answered(await fetch(`${await edition.origin('sandbox')}${path}`, body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) })),
    async approval(agent, state) {
      for (const until = performance.now() + 20_000; performance.now() < until; await sleep(POLL_MS * 5)) {
        const { approvals: [newest] } = await edition.ask<{ readonly approvals: readonly ApprovalDocument[] }>('approval', `/v1/approvals?agent=${agent}`)
        if (newest?.state === state) return newest
      }
      throw new Error(`no request of ${agent} is ${state}`)
    },
    async decide({ id, digest }, person) {
      const { token } = await edition.sandbox<{ readonly token: string }>('/approver-token', { person, nonce: `approve:${id}:${digest}` })
      await edition.docker(['exec', '--interactive', edition.container('pusher'), 'node', '/app/main.js', 'decide'], JSON.stringify({ approval: id, digest, verdict: 'approve', proof: { kind: 'idToken', token } }))
    },
    async person(id) {
      const places = new Map([[CONSOLE_ORIGIN, await edition.origin('console')], [PEOPLE_IDP.issuer, `http://${await composed('port', 'sandbox', String(PEOPLE_IDP.relayed))}`]])
      return createPersonBrowser({ id, home: CONSOLE_ORIGIN, places })
    },
    inNetwork: (network, program) => edition.docker(['run', '--rm', '--read-only', '--network', `${project}_${network}`, '--entrypoint', 'node', 'lockkeeper/stand-ins:dev', '--input-type=module', '--eval', program]),
  }
  return edition
}

async function answered<T>(answer: Response): Promise<T> {
  const text = await answer.text()
  if (!answer.ok) throw new Error(`${answer.url} answered ${answer.status}: ${text}`)
  return JSON.parse(text) as T
}

async function piped([program = '', ...args]: readonly string[], input = ''): Promise<{ readonly out: string, readonly err: string }> {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], timeout: WAIT_MS })
  const written = { out: '', err: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => { written.out += text })
  child.stderr.setEncoding('utf8').on('data', (text: string) => { written.err += text })
  // A program that does not read its input is no fault of ours.
  child.stdin.on('error', () => child.stdin.destroy())
  child.stdin.end(input)
  const { promise, resolve, reject } = Promise.withResolvers<number | null>()
  child.once('error', reject).once('close', resolve)
  const code = await promise
  if (code !== 0) throw new Error(`${program} ${args[0]} ended with ${code}: ${written.err}`)
  return written
}
