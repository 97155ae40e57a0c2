/**
 * The admin interface: the services' own routes on a unix socket that only the gateway's user can open, never on the agents' port
 * (invariant 12). The file's mode is the lock; there is no password that could leak.
 */
import { createServer, type Server } from 'node:http'
import { chmod, mkdir, unlink } from 'node:fs/promises'
import { connect } from 'node:net'
import { dirname } from 'node:path'
import express, { type Router } from 'express'

/** Kernels cut longer paths off silently (unix(7)). */
const MAX_SOCKET_PATH = 103

export interface AdminServer { readonly path: string, close(): Promise<void> }

/** Opens the socket with mode 0600. A socket that nobody listens on is a leftover and is replaced; a live one stops the start. */
export async function openAdminServer(path: string, routers: readonly Router[]): Promise<AdminServer> {
  if (Buffer.byteLength(path) > MAX_SOCKET_PATH) throw new Error(`the path of the admin socket is over ${MAX_SOCKET_PATH} bytes: ${path}`)
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  if (await isLive(path)) throw new Error(`another gateway listens on ${path}; stop it first`)
  await unlink(path).catch((error: NodeJS.ErrnoException) => { if (error.code !== 'ENOENT') throw error })
  const app = express()
  app.disable('x-powered-by')
  for (const router of routers) app.use(router)
  const server = createServer(app)
  // Between listen and chmod the directory's own mode keeps others out.
  const mask = process.umask(0o177)
  try {
    await listening(server, path)
  } finally {
    process.umask(mask)
  }
  await chmod(path, 0o600)
  return {
    path,
    close: () => new Promise((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    }),
  }
}

function listening(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => server.once('error', reject).listen(path, resolve))
}

function isLive(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
