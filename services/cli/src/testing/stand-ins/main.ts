/** Tests only: `node main.js ROLE`, a container each in docker-compose.test.yml, but for `decide`, which is run in the pusher's. */
import { PEOPLE_IDP, RECEIVER, UPSTREAM } from './places.ts'

const ROLES: Readonly<Record<string, () => Promise<void>>> = {
  sandbox: async () => (await import('./run-sandbox-container.ts')).runSandboxContainer(Number(process.env['PORT'] ?? 8080)),
  topology: async () => (await import('./make-topology.ts')).makeTopology(),
  google: async () => (await import('./relay.ts')).relay({ host: '127.0.0.1', port: UPSTREAM.port }, UPSTREAM),
  people: async () => (await import('./relay.ts')).relay({ host: '127.0.0.1', port: PEOPLE_IDP.port }, { host: 'sandbox', port: PEOPLE_IDP.relayed }),
  receiver: async () => (await import('./serve-json.ts')).serveJson({ host: '127.0.0.1', port: RECEIVER.port }, { '/told': () => ({}) }),
  pusher: async () => (await import('./run-pusher.ts')).runPusher(),
  decide: async () => (await import('./decide.ts')).decide(),
}

const [name = ''] = process.argv.slice(2)
const role = ROLES[name]
if (role === undefined) throw new TypeError(`there is no role ${name}; there are ${Object.keys(ROLES).join(', ')}`)
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => process.exit(0))
await role()
