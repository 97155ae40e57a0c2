/** Tests only: a few routes that take a JSON object and answer with one. */
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { json } from 'node:stream/consumers'

type JsonObject = Readonly<Record<string, unknown>>
export type JsonRoutes = Readonly<Record<string, (asked: JsonObject) => JsonObject | Promise<JsonObject>>>

/** Resolves when it listens. An unknown path is 404, a fault 500 with its message. */
export async function serveJson(where: { readonly host: string, readonly port: number }, routes: JsonRoutes): Promise<void> {
  const server = createServer((request, response) => {
    answer(routes, request).then(
      ({ status, body }) => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body)),
      (error: unknown) => response.writeHead(500, { 'content-type': 'application/json' }).end(JSON.stringify({ error: String(error) })),
    )
  })
  server.listen(where)
  await once(server, 'listening')
}

async function answer(routes: JsonRoutes, request: IncomingMessage): Promise<{ readonly status: number, readonly body: JsonObject }> {
  const route = routes[request.url ?? '']
  if (route === undefined) return { status: 404, body: {} }
  const asked = request.method === 'POST' ? await json(request) as JsonObject : {}
  return { status: 200, body: await route(asked) }
}
