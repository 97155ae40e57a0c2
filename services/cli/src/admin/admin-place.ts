/** Where a command finds what it asks: the admin socket of a gateway on this machine, or a service of the Google Cloud edition. */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { request as httpRequest, type ClientRequest, type IncomingMessage, type RequestOptions } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { resolve } from 'node:path'
import { systemClock } from '@lockkeeper/domain'
import { CommandFailed, WrongUse } from '../command-failed.ts'

export interface AdminPlace {
  /** Starts a request; its headers come on top of the place's own. */
  open(options: Pick<RequestOptions, 'method' | 'path' | 'headers' | 'timeout' | 'signal'>, onResponse: (response: IncomingMessage) => void): Promise<ClientRequest>
  /** What a failed connection means here; undefined: nothing that we know. */
  explain(code: string | undefined): string | undefined
}

export interface RemoteOptions {
  /** File with an ID token of the operator. Default: Application Default Credentials, for service accounts. */
  readonly tokenFile?: string
  /** Whom the ID token is meant for. Default: the address itself. */
  readonly audience?: string
}

const LOOPBACK = new Set(['127.0.0.1', '[::1]', 'localhost'])

/** Where a running gateway's socket is: the option, the environment, or the default place under the current directory. */
export function adminSocketPath(option: string | undefined, environment: Readonly<Record<string, string | undefined>>): string {
  return resolve(option ?? environment['LOCKKEEPER_ADMIN'] ?? '.lockkeeper/admin.sock')
}

/** CommandFailed where no gateway is running. */
export function localPlace(socketPath: string): AdminPlace {
  if (!existsSync(socketPath)) throw new CommandFailed(`no gateway is running here: ${socketPath} does not exist. Start one with \`lockkeeper up\`, name its socket with --admin or LOCKKEEPER_ADMIN, or a service's address with --gateway.`)
  return {
    open: async ({ headers, ...options }, onResponse) => httpRequest({ ...options, socketPath, headers: { ...headers, host: 'admin' } }, onResponse),
    explain: (code) => code === 'ECONNREFUSED' || code === 'EACCES' ? `the gateway's admin socket ${socketPath} cannot be opened (${code}): it is stopped, or you are another user` : undefined,
  }
}

/** WrongUse for an address to which a token must not go: it stands for the operator. */
export function remotePlace(address: string, { tokenFile, audience }: RemoteOptions): AdminPlace {
  const url = URL.canParse(address) ? new URL(address) : undefined
  if (url === undefined || url.pathname !== '/' || url.search !== '' || url.hash !== '' || url.username !== '' || url.password !== '') throw new WrongUse('--gateway must be the address of a service, such as https://approval.example.com')
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && LOOPBACK.has(url.hostname))) throw new WrongUse('--gateway must be https: your ID token goes there')
  const send = url.protocol === 'https:' ? httpsRequest : httpRequest
  const token = tokenFile === undefined ? ownToken(audience ?? url.origin) : () => tokenIn(tokenFile)
  return {
    // Nothing follows redirects here: the token goes to this address and no other.
    open: async ({ headers, ...options }, onResponse) => {
      const value = await token()
      // Cloud Run's own check reads the second one, and takes that one's signature off; the service itself reads the first.
      return send({ ...options, hostname: url.hostname.replace(/^\[|\]$/g, ''), port: url.port, headers: { ...headers, authorization: value, 'x-serverless-authorization': value } }, onResponse)
    },
    explain: (code) => code === 'ECONNREFUSED' || code === 'ENOTFOUND' ? `${url.origin} cannot be reached (${code})` : undefined,
  }
}

async function tokenIn(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => { throw new CommandFailed(`the token file ${file} cannot be read: ${error.code ?? ''}`) })
  if (!/^[\w.-]+$/.test(text.trim())) throw new CommandFailed(`${file} holds no ID token; make one with: gcloud auth print-identity-token`)
  return `Bearer ${text.trim()}`
}

function ownToken(audience: string): () => Promise<string> {
  return async () => {
    const { serviceIdentity } = await import('@lockkeeper/adapter-google-auth')
    return serviceIdentity(audience, { clock: systemClock })()
  }
}
