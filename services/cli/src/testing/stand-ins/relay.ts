/** Tests only: whoever connects here is connected there. */
import { once } from 'node:events'
import { connect, createServer } from 'node:net'

interface Place { readonly host: string, readonly port: number }

/** Resolves when it listens. */
export async function relay(here: Place, there: Place): Promise<void> {
  const server = createServer((client) => {
    const inner = connect(there)
    for (const [one, other] of [[client, inner], [inner, client]] as const) {
      one.on('error', () => other.destroy())
      one.on('close', () => other.destroy())
    }
    client.pipe(inner).pipe(client)
  })
  server.listen(here)
  await once(server, 'listening')
}
