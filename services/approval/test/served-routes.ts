/** A world's routes on a socket of their own, as the admin listener serves them. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import type { World } from './harness.ts'

export interface ServedRoutes { readonly origin: string, close(): void }

export async function serveRoutes(world: World): Promise<ServedRoutes> {
  const server = createServer(express().use(world.service().routes)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}
