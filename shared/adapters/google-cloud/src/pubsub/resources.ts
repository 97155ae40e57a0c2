/** Names of topics and subscriptions: the topology's, with the prefix. */
import type { SubscriptionSpec, Topology } from '@lockkeeper/domain/topology'

/** cloud.google.com/pubsub/docs/pubsub-basics#resource_names */
const RESOURCE = /^(?!goog)[A-Za-z][A-Za-z0-9_.~+%-]{2,254}$/

export class Resources {
  readonly topology: Topology
  readonly #projectId: string
  readonly #prefix: string

  constructor(projectId: string, topology: Topology, prefix: string = topology.prefix) {
    this.#projectId = projectId
    this.#prefix = prefix
    this.topology = topology
    const ids = [...topology.topics.map(({ name }) => name), ...topology.subscriptions.flatMap(({ id, deadLetter }) => [id, deadLetter.topic, deadLetter.subscription])]
    const wrong = ids.find((id) => !RESOURCE.test(`${prefix}${id}`))
    if (wrong !== undefined) throw new TypeError(`${prefix}${wrong} cannot be the id of a topic or subscription`)
  }

  topic(name: string): string {
    return `projects/${this.#projectId}/topics/${this.#prefix}${name}`
  }

  subscription(id: string): string {
    return `projects/${this.#projectId}/subscriptions/${this.#prefix}${id}`
  }

  isTopic(name: string): boolean {
    return this.topology.topics.some((topic) => topic.name === name)
  }

  /** TypeError: the topology has no such subscription, so nothing would ever come. */
  find(topic: string, name: string): SubscriptionSpec {
    const spec = this.topology.subscriptions.find((one) => one.topic === topic && one.name === name)
    if (spec === undefined) throw new TypeError(`the topology has no subscription ${name} of ${topic}`)
    return spec
  }
}
