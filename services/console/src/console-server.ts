/** The console's listener on this machine: both loopback addresses, so that `localhost` is nobody else's. */
import type { Log } from '@lockkeeper/service-kit'
import { createServiceServer, type ServiceServer } from '@lockkeeper/service-kit/server'
import type { Router } from 'express'

export interface ConsoleServer {
  readonly port: number
  close(): Promise<void>
}

const DRAIN_MS = 1_000
/** There is no IPv6 here. */
const ABSENT = new Set(['EADDRNOTAVAIL', 'EAFNOSUPPORT', 'EINVAL'])

/**
 * Rejects when either address is taken: browsers try both for `localhost`, and whoever held the other one would be served as our
 * origin, passkeys included.
 */
export async function openConsoleServer(routes: Router, { port, log }: { readonly port: number, readonly log: Log }): Promise<ConsoleServer> {
  const create = (): ServiceServer => createServiceServer({ routes: [{ paths: [''], guard: (_request, _response, next) => next(), router: routes }], readiness: () => [], log, limits: { bodyBytes: 64 * 1024 } })
  const first = create()
  const address = await first.start(port, '127.0.0.1')
  const second = create()
  try {
    await second.start(address.port, '::1')
  } catch (error) {
    if (!ABSENT.has((error as NodeJS.ErrnoException).code ?? '')) {
      await first.drain(0)
      throw error
    }
    return { port: address.port, close: () => first.drain(DRAIN_MS) }
  }
  return { port: address.port, close: async () => void await Promise.all([first.drain(DRAIN_MS), second.drain(DRAIN_MS)]) }
}
