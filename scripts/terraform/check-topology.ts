/** infra/topology.json against what publishes, what handles and what Terraform builds from it. */
import type { RepositoryFile } from '../checks/repository-files.ts'

interface Topology {
  readonly topics: readonly { readonly name: string, readonly events: readonly { readonly type: string, readonly schema: string }[] }[]
  readonly subscriptions: readonly { readonly id: string, readonly name: string, readonly topic: string, readonly service: string, readonly mode: string, readonly pushPath?: string, readonly deadLetter?: { readonly topic: string, readonly subscription: string } }[]
  readonly services: readonly { readonly name: string, readonly publishes: readonly string[] }[]
}

const FILE = 'infra/topology.json'

export function checkTopology(files: readonly RepositoryFile[]): readonly string[] {
  const text = files.find(({ file }) => file === FILE)?.text
  if (text === undefined) return [`${FILE}:1 is not there`]
  const topology = JSON.parse(text) as Topology
  const line = (name: string): number => text.slice(0, Math.max(0, text.indexOf(JSON.stringify(name)))).split('\n').length
  return [...checkEvents(topology, files), ...checkSubscriptions(topology, files), ...checkBuilt(files)]
    .map(({ name, fault }) => `${FILE}:${line(name)} ${fault}`)
}

interface Fault { readonly name: string, readonly fault: string }

function checkEvents({ topics, services }: Topology, files: readonly RepositoryFile[]): readonly Fault[] {
  const schemas = new Set(files.flatMap(({ file }) => /^infra\/schemas\/(.+)\.json$/.exec(file)?.[1] ?? []))
  const events = topics.flatMap(({ events: own }) => own)
  return [
    ...[...schemas].filter((schema) => events.filter((event) => event.schema === schema).length !== 1).map((schema) => ({ name: 'topics', fault: `the event ${schema} has ${events.some((event) => event.schema === schema) ? 'several topics' : 'no topic'}` })),
    ...events.filter(({ schema }) => !schemas.has(schema)).map(({ type, schema }) => ({ name: type, fault: `the event ${type} has no schema infra/schemas/${schema}.json` })),
    ...topics.filter(({ name }) => !services.some(({ publishes }) => publishes.includes(name))).map(({ name }) => ({ name, fault: `nobody publishes to the topic ${name}` })),
    ...services.flatMap(({ name, publishes }) => publishes.filter((topic) => !topics.some((one) => one.name === topic)).map((topic) => ({ name, fault: `${name} publishes to ${topic}, which is no topic` }))),
  ]
}

function checkSubscriptions({ topics, subscriptions }: Topology, files: readonly RepositoryFile[]): readonly Fault[] {
  const dead = subscriptions.map(({ deadLetter }) => deadLetter?.topic)
  return [
    ...topics.filter(({ name }) => !subscriptions.some(({ topic }) => topic === name)).map(({ name }) => ({ name, fault: `nobody takes events of the topic ${name}` })),
    ...subscriptions.flatMap(({ id, name, topic, service, mode, pushPath, deadLetter }) => [
      ...topics.some((one) => one.name === topic) ? [] : [{ name: id, fault: `${id} takes from ${topic}, which is no topic` }],
      ...deadLetter === undefined || dead.filter((one) => one === deadLetter.topic).length > 1 ? [{ name: id, fault: `${id} has no dead letters of its own` }] : [],
      ...mode === 'push' && pushPath !== `/push/${id}` ? [{ name: id, fault: `${id} is pushed to ${String(pushPath)}, not to /push/${id}` }] : [],
      ...isHandled(service, name, files) ? [] : [{ name: id, fault: `no source of services/${service} subscribes as ${name}, or no topology.test.ts there holds it to this file (${topic})` }],
    ]),
  ]
}

/** That a service subscribes to exactly its own subscriptions is proved by its topology.test.ts: here that it has one. */
function isHandled(service: string, name: string, files: readonly RepositoryFile[]): boolean {
  const own = files.filter(({ file }) => file.startsWith(`services/${service}/src/`))
  return own.some(({ file, text }) => file.endsWith('.ts') && !file.endsWith('.test.ts') && text.includes(`'${name}'`)) && own.some(({ file, text }) => file.endsWith('/topology.test.ts') && text.includes('TOPOLOGY'))
}

/** Terraform must build from this file, and watch every subscription and its dead letters: not from a list of its own. */
function checkBuilt(files: readonly RepositoryFile[]): readonly Fault[] {
  const all = (folder: string): string => files.filter(({ file }) => file.startsWith(folder) && file.endsWith('.tf')).map(({ text }) => text).join('\n')
  const suite = all('terraform/modules/suite/')
  const topic = all('terraform/modules/topic/')
  const alerts = all('terraform/modules/observability/')
  return [
    ...[
      [/jsondecode\(file\("[^"]*topology\.json"\)\)/.test(suite), 'terraform/modules/suite does not read this file'],
      [/for topic in local\.topology\.topics/.test(suite), 'terraform/modules/suite does not make every topic'],
      [/for \w+ in local\.topology\.subscriptions : \w+ if \w+\.topic == each\.key\]/.test(suite), 'terraform/modules/suite does not make every subscription'],
      [/subscriptions\s*=\s*\[?\{? ?for \w+ in local\.topology\.subscriptions/.test(suite), 'terraform/modules/suite does not give subscriptions on'],
      [/dead_letter_policy \{/.test(topic), 'terraform/modules/topic makes subscriptions without dead letters'],
      [/for id, \w+ in local\.subscriptions : "dead-\$\{id\}"/.test(alerts), 'terraform/modules/observability has no alert for every subscription\'s dead letters'],
      [/for id, \w+ in local\.subscriptions : "lag-\$\{id\}"/.test(alerts), 'terraform/modules/observability has no alert for every subscription\'s lag'],
    ].filter(([holds]) => holds === false).map(([, fault]) => ({ name: 'subscriptions', fault: String(fault) })),
  ]
}
