/**
 * Tests only: ways to Google for a service's process, whose own clients dial Google's own names: a proxy that its gRPC client goes
 * through (`grpc_proxy`), where TLS ends with an authority that the process is told to trust, and a metadata server for its account.
 */
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { join } from 'node:path'
import { TLSSocket } from 'node:tls'
import { systemClock } from '@lockkeeper/domain'

export interface GoogleEndpoints {
  /** For the process. */
  readonly environment: Readonly<Record<string, string>>
  close(): Promise<void>
}

export interface GoogleEndpointsOptions {
  /** For the authority. */
  readonly directory: string
  /** `HOST:PORT` that answers without TLS, by Google's name for it. */
  readonly hosts: Readonly<Record<string, string>>
  /** The access token that the metadata server gives. */
  readonly token: string
}

export async function openGoogleEndpoints({ directory, hosts, token }: GoogleEndpointsOptions): Promise<GoogleEndpoints> {
  const { openCertificateAuthority } = await import('@lockkeeper/proxy/certificate-authority')
  const authority = await openCertificateAuthority(join(directory, 'google-tls'), Object.keys(hosts), systemClock)
  const roots = join(directory, 'google-roots.pem')
  await writeFile(roots, authority.certificate)
  const sockets = new Set<Socket>()
  const tunnels = createServer().on('connect', (request, client) => {
    const host = (request.url ?? '').replace(/:443$/, '')
    const target = hosts[host]
    if (target === undefined) return void client.end('HTTP/1.1 403 Forbidden\r\n\r\n')
    client.write('HTTP/1.1 200 OK\r\n\r\n')
    void authority.contextFor(host).then((secureContext) => {
      const inside = new TLSSocket(client, { isServer: true, secureContext, ALPNProtocols: ['h2'] })
      const at = target.lastIndexOf(':')
      const server = connect(Number(target.slice(at + 1)), target.slice(0, at))
      for (const socket of [inside, server]) {
        sockets.add(socket)
        // Either end's end is the other's; a broken line is what the test is about.
        socket.on('error', () => undefined).on('close', () => {
          sockets.delete(socket)
          inside.destroy()
          server.destroy()
        })
      }
      inside.pipe(server).pipe(inside)
    })
  })
  const metadata = createServer(({ url = '' }, response) => {
    const answer = url.includes('/default/token') ? JSON.stringify({ access_token: token, expires_in: 3600, token_type: 'Bearer' }) : url.includes('/default/email') ? 'proxy@gateway.iam.gserviceaccount.com' : undefined
    response.writeHead(answer === undefined ? 404 : 200, { 'metadata-flavor': 'Google', 'content-type': 'application/json' }).end(answer ?? '')
  })
  const [through, account] = await Promise.all([tunnels, metadata].map(listen))
  return {
    environment: { grpc_proxy: `http://${through}`, no_grpc_proxy: '127.0.0.1,localhost', GRPC_DEFAULT_SSL_ROOTS_FILE_PATH: roots, GCE_METADATA_HOST: account ?? '', METADATA_SERVER_DETECTION: 'assume-present' },
    async close() {
      for (const socket of sockets) socket.destroy()
      for (const server of [tunnels, metadata]) server.closeAllConnections()
      await Promise.all([tunnels, metadata].map((server) => new Promise((resolve) => server.close(resolve))))
    },
  }
}

async function listen(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}
