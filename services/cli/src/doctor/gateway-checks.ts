/** Checks of the running gateway: that it answers, that its doors do what they should, and its authority. */
import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { Socket } from 'node:net'
import { join, resolve } from 'node:path'
import { connect as connectTls, getCACertificates } from 'node:tls'
import { findings, type Finding } from './finding.ts'
import { sound, type Surroundings } from './surroundings.ts'

const ANSWER_MS = 5_000
const SOON_MS = 30 * 24 * 60 * 60_000
/** DER of the name-constraints extension's identifier, 2.5.29.30 (RFC 5280 section 4.2.1.10). */
const NAME_CONSTRAINTS = Buffer.from('0603551d1e', 'hex')
/** A host that can never be a target: the name is reserved (RFC 6761). */
const NO_TARGET = 'no-target.invalid'

export function checkGateway({ gateway, configuration }: Surroundings): readonly Finding[] {
  const { ok, skipped, warning, problem } = findings('gateway')
  if ('absent' in gateway) return [skipped(gateway.absent)]
  const { status } = gateway
  const found: Finding[] = []
  if (configuration !== undefined && status.config !== configuration.file) found.push(warning(`the running gateway has another configuration: ${status.config}`, 'Name its admin socket with --admin, or that file with --config.'))
  if (status.policy.problems > 0) found.push(problem(`its policy folder has ${status.policy.problems} problem${status.policy.problems === 1 ? '' : 's'}; the older version ${status.policy.version ?? ''} stays in force`, 'lockkeeper policy check FOLDER names them.'))
  return [...found, ok(`runs at ${status.origin} in mode ${status.mode}, isolation ${status.isolation}, ${status.policy.rules ?? 0} rules in force`)]
}

export async function checkDoors(given: Surroundings): Promise<readonly Finding[]> {
  const { ok, skipped, problem } = findings('doors')
  const { gateway } = given
  const loaded = sound(given)
  if ('absent' in gateway) return [skipped('no gateway is running')]
  if (loaded === undefined) return [skipped('the targets stand in the configuration, and there is none that can be used')]
  if (loaded.config.targets.length === 0) return [skipped('the targets are pushed, and not known here')]
  const { origin, authority, doors } = gateway.status
  const host = (loaded.config.targets[0]?.hosts[0] ?? '').replace(/^\*\./, 'storage.')
  const attempt = async (what: string, todo: string, test: () => Promise<string | undefined>): Promise<Finding> => {
    const wrong = await test().catch((error: NodeJS.ErrnoException) => error.code ?? error.message)
    return wrong === undefined ? ok(what) : problem(`not so: ${what}: ${wrong}`, todo)
  }
  const found: Promise<Finding>[] = []
  if (doors.path) found.push(attempt('the path door asks for a token', 'Restart the gateway; look into its log.', async () => {
    const { statusCode } = await ask(origin, `/${host}/`)
    return statusCode === 401 ? undefined : `it answered ${statusCode} to a call without one`
  }))
  if (doors.domain !== undefined) found.push(attempt(`the domain door serves ${doors.domain}`, 'Check listen.tls: the certificate must cover the domain and every name under it.', async () => {
    const { statusCode } = await ask(origin, '/healthz', `sts.${doors.domain}`)
    return statusCode === 200 ? undefined : `it answered ${statusCode}`
  }))
  if (authority !== undefined) {
    found.push(attempt(`the forward door takes ${host} under its own authority`, 'Restart the gateway; compare doors.forward.ca with what agents trust.', () => throughForwardDoor(origin, host, authority)))
    found.push(attempt('the forward door refuses hosts that are no target', 'Stop this gateway: it would be an open proxy.', async () => {
      const { status, socket } = await connect(origin, NO_TARGET)
      socket.destroy()
      return status === 403 ? undefined : `it answered ${status}`
    }))
  }
  return Promise.all(found)
}

function ask(origin: string, path: string, servername?: string): Promise<IncomingMessage> {
  return new Promise((answer, reject) => {
    const send = origin.startsWith('https:') ? httpsRequest : httpRequest
    send(`${origin}${path}`, { timeout: ANSWER_MS, agent: false, ...(servername === undefined ? {} : { servername, headers: { host: servername } }) }, (response) => {
      response.resume()
      answer(response)
    }).once('timeout', function (this: { destroy(error: Error): void }) { this.destroy(new Error('no answer in 5 s')) }).once('error', reject).end()
  })
}

function connect(origin: string, host: string): Promise<{ readonly status: number, readonly socket: Socket }> {
  return new Promise((answer, reject) => {
    const send = origin.startsWith('https:') ? httpsRequest : httpRequest
    send(origin, { method: 'CONNECT', path: `${host}:443`, timeout: ANSWER_MS, agent: false })
      .once('connect', (response, socket) => answer({ status: response.statusCode ?? 0, socket: socket as Socket }))
      .once('timeout', function (this: { destroy(error: Error): void }) { this.destroy(new Error('no answer in 5 s')) }).once('error', reject).end()
  })
}

async function throughForwardDoor(origin: string, host: string, authority: string): Promise<string | undefined> {
  const { status, socket } = await connect(origin, host)
  try {
    if (status !== 200) return `it answered ${status} to CONNECT`
    return await new Promise<string | undefined>((answer) => {
      // Ended in good order, so that the gateway need not find out that nobody is there.
      const secure = connectTls({ socket, servername: host, ca: authority, timeout: ANSWER_MS }, () => secure.end())
      secure.once('error', (error) => answer(error.message)).once('timeout', () => answer('no TLS in 5 s')).once('close', () => answer(undefined))
    })
  } finally {
    socket.destroy()
  }
}

export async function checkAuthority(given: Surroundings): Promise<readonly Finding[]> {
  const { ok, skipped, problem, warning } = findings('authority')
  const { gateway, clock } = given
  const loaded = sound(given)
  if (loaded === undefined) return [skipped('the configuration says where it is, and there is none that can be used')]
  const { forward } = loaded.config.doors
  if (forward === undefined) return [skipped('the forward door is closed, so there is none')]
  const file = join(resolve(loaded.directory, forward.ca), 'ca.pem')
  const pem = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (pem === undefined) return [skipped(`${file} is not there yet; the gateway makes it at its first start`)]
  const certificate = new X509Certificate(pem)
  const anew = `Stop the gateway, remove ${file}, start it again, and give agents the new certificate.`
  const endsIn = certificate.validToDate.getTime() - clock.now()
  const names = loaded.config.targets.flatMap(({ hosts }) => hosts.map((host) => host.toLowerCase().replace(/^\*\./, '')))
  const bound = certificate.raw.includes(NAME_CONSTRAINTS) && names.every((name) => certificate.raw.includes(name))
  const found: Finding[] = []
  if (!bound) found.push(problem(`${file} is not bound to the names of the targets, so its key could vouch for any host`, anew))
  if (endsIn < SOON_MS) found.push((endsIn < 0 ? problem : warning)(`${file} ${endsIn < 0 ? 'has ended' : 'ends'} on ${certificate.validToDate.toISOString().slice(0, 10)}`, anew))
  if ('status' in gateway && gateway.status.authority !== undefined && new X509Certificate(gateway.status.authority).fingerprint256 !== certificate.fingerprint256) found.push(problem('the running gateway uses another authority than the file holds', 'Restart the gateway.'))
  if (getCACertificates('system').some((one) => new X509Certificate(one).fingerprint256 === certificate.fingerprint256)) found.push(warning('it stands in the system\'s trust store, where every program believes it', 'Take it out: agents get it from lockkeeper run, and nobody else needs it.'))
  return found.length > 0 ? found : [ok(`bound to ${[...new Set(names)].slice(0, 5).join(', ')}; good until ${certificate.validToDate.toISOString().slice(0, 10)}`)]
}
