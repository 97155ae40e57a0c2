/** docs/events.md: what travels between the services, who takes it, and what happens when it cannot be handled. */
import { TOPOLOGY } from '../../shared/domain/src/topology.ts'
import { GENERATED } from './generated-note.ts'

const { prefix, topics, subscriptions, services, retention } = TOPOLOGY

export function eventsPage(): string {
  return [
    '# Events', '', GENERATED, '',
    'Services tell each other facts, in the past tense, as CloudEvents 1.0 with JSON data. In the embedded edition they lie in a queue in the store file; in the Google Cloud edition they are Pub/Sub messages in the CloudEvents',
    'binding\'s binary mode: the data is the message, every other attribute of the event a message attribute whose name begins with `ce-`, and `content-type` is `application/json`.', '',
    'Delivery is at least once and in any order. Consumers know an event by source and id, so that one that comes twice has one effect. Where calls are traced, an event carries the `traceparent`', 'of what led to it (CloudEvents extension Distributed Tracing); it is no part of the fact and decides nothing.', '',
    '## Topics', '',
    `In Pub/Sub every name below stands after \`${prefix}\`. The data of each type has a JSON Schema in [infra/schemas](../infra/schemas).`, '',
    '| topic | published by | events |', '|---|---|---|', ...topics.map(topicRow), '',
    '## Subscriptions', '',
    'The whole topology, as Terraform and the tests read it: [infra/topology.json](../infra/topology.json).', '',
    '| subscription | topic | service | delivery | answer within | again after | given up after |', '|---|---|---|---|---|---|---|', ...subscriptions.map(subscriptionRow), '',
    'A push goes to `/push/SUBSCRIPTION` of the service, with an OIDC token whose audience is that endpoint and whose owner is the one account that may push. The service checks both before it reads the body: 401 or 403 and nothing is done.',
    'No event can approve anything: decisions carry proof that the approval service checks itself.', '',
    '## What cannot be handled', '',
    'On Pub/Sub a message that is no event, stands in the wrong topic or does not hold the data of its type reaches no handler (in the embedded edition consumers check for themselves). It is treated as an event that its handler refuses: it comes again, so that a newer version of the consumer may take it, and ends among the dead letters.',
    `Each subscription has dead letters of its own (a topic and a subscription whose names end in \`-dead\`), kept for ${retention.deadLetterDays} days; other events are kept for ${retention.subscriptionDays}. The consumer puts a letter there itself, with the reason; Pub/Sub does so, without a reason, for a consumer that crashes.`, '',
    '`lockkeeper events dead` lists them and `lockkeeper events redrive` gives one, or all, to the consumer again, and to no other. A service of the Google Cloud edition hands a letter to its own handler at once and takes it away when that succeeds; if the handler',
    'refuses it again, it stays. A tool without a handler publishes it to its topic once more with the attribute `lockkeeper-redriven-for`: the filter of every other subscription leaves it out, and consumers check again. While somebody looks at dead letters',
    'they are leased to them for a moment, so a second list at the same time may be shorter.', '',
    '## Versions', '',
    'A golden event of every version is kept beside the schemas, and a test fails when a schema refuses one. Fields may be added as optional, consumers before publishers; anything else is a new version that is read beside the old.', '',
  ].join('\n')
}

function topicRow({ name, events }: (typeof topics)[number]): string {
  const from = services.filter(({ publishes }) => publishes.includes(name)).map((service) => service.name)
  return `| \`${name}\` | ${from.join(', ')} | ${events.map(({ type }) => `\`${type}\``).join(', ')} |`
}

function subscriptionRow({ id, topic, service, mode, ackDeadlineSeconds, minBackoffSeconds, maxBackoffSeconds, maxDeliveries }: (typeof subscriptions)[number]): string {
  return `| \`${id}\` | \`${topic}\` | ${service} | ${mode} | ${ackDeadlineSeconds} s | ${minBackoffSeconds}–${maxBackoffSeconds} s | ${maxDeliveries} deliveries |`
}
