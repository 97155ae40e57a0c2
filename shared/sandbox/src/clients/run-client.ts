/** The sandbox's clients by name: what a child process runs, from source and from the packed bundle alike. */
import { addBinding, callApi, exchangeToken } from './auth-clients.ts'
import type { Client } from './client-report.ts'
import { storageClients } from './storage-clients.ts'

const { listObjects, copyMedia, deleteBucket } = storageClients()

const CLIENTS = {
  'list-objects': listObjects,
  'copy-media': copyMedia,
  'delete-bucket': deleteBucket,
  'call-api': callApi,
  'add-binding': addBinding,
  'exchange-token': exchangeToken,
} as const satisfies Record<string, Client>

type ClientName = keyof typeof CLIENTS

function isClientName(name: string): name is ClientName {
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
    out.write(`${JSON.stringify(await CLIENTS[name](args, environment))}\n`)
    return 0
  } catch (error) {
    err.write(`${error instanceof Error ? error.message : String(error)}\n`)
    return 1
  }
}
