/** The sandbox's clients by name: what a child process runs, from source and from the packed bundle alike. */
import type { Client } from './client-report.ts'

/** Loaded when they are run: the gateway's own process has no use for Google's client libraries. */
const CLIENTS = {
  'list-objects': async () => (await import('./storage-clients.ts')).storageClients().listObjects,
  'copy-media': async () => (await import('./storage-clients.ts')).storageClients().copyMedia,
  'delete-bucket': async () => (await import('./storage-clients.ts')).storageClients().deleteBucket,
  'call-api': async () => (await import('./auth-clients.ts')).callApi,
  'add-binding': async () => (await import('./auth-clients.ts')).addBinding,
  'exchange-token': async () => (await import('./auth-clients.ts')).exchangeToken,
} as const satisfies Record<string, () => Promise<Client>>

function isClientName(name: string): name is keyof typeof CLIENTS {
  return Object.hasOwn(CLIENTS, name)
}

interface ClientOutput {
  /** Gets one line of JSON. */
  readonly out: { write(text: string): unknown }
  /** Gets the message of an error that is no API answer. */
  readonly err: { write(text: string): unknown }
}

/** Exit code: 0 when there is a report (a refusal is one), 1 when the client broke down, 2 for an unknown name. */
export async function runClient(name: string, args: readonly string[], environment: Readonly<Record<string, string | undefined>>, { out, err }: ClientOutput): Promise<number> {
  if (!isClientName(name)) {
    err.write(`There is no sandbox client ${name}. There are: ${Object.keys(CLIENTS).join(', ')}\n`)
    return 2
  }
  try {
    const client = await CLIENTS[name]()
    out.write(`${JSON.stringify(await client(args, environment))}\n`)
    return 0
  } catch (error) {
    err.write(`${error instanceof Error ? error.message : String(error)}\n`)
    return 1
  }
}
