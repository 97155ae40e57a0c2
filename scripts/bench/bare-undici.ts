/** What undici's Pool.stream behind node:http costs with nothing else. argv: upstream port. Prints its own port. */
import { createServer, type ServerResponse } from 'node:http'
import { Pool } from 'undici'

const pool = new Pool(`http://127.0.0.1:${process.argv[2]}`, { connections: 256 })
const server = createServer((request, response) => {
  const { authorization, accept } = request.headers
  pool.stream({ path: request.url ?? '/', method: 'GET', headers: { authorization, accept }, opaque: response }, ({ statusCode, headers, opaque }) => {
    const out = opaque as ServerResponse
    out.writeHead(statusCode, headers as Record<string, string>)
    return out
  }).catch(() => response.destroy())
}).listen(0, '127.0.0.1', () => process.stdout.write(`${(server.address() as { port: number }).port}\n`))
