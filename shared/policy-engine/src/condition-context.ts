/** What `when` can see. Instances are made only when a rule has a condition; the body is converted only when one reads it. */
import { createConditions, NOT_KNOWN, toCel, type Conditions } from '@lockkeeper/conditions'
import type { Agent, Call, IamChange } from '@lockkeeper/domain'

const text = 'string'
const texts = 'list<string>'
const textMap = 'map<string, string>'

class AgentView {
  readonly #agent: Agent
  constructor(agent: Agent) { this.#agent = agent }
  get issuer(): unknown { return this.#agent.issuer }
  get id(): unknown { return this.#agent.id }
  get subject(): unknown { return this.#agent.subject }
  get run(): unknown { return this.#agent.run }
  get sponsor(): unknown { return this.#agent.sponsor }
  get labels(): unknown { return toCel(this.#agent.labels) }
}

class IamView {
  readonly #iam: IamChange
  constructor(iam: IamChange) { this.#iam = iam }
  get known(): unknown { return this.#iam.known }
  get added(): unknown { return toCel(this.#iam.added) }
  get addedMembers(): unknown { return toCel(this.#iam.added.map((binding) => binding.member)) }
  get addedRoles(): unknown { return toCel(this.#iam.added.map((binding) => binding.role)) }
  // Until the policy in force has been read nobody knows what goes: reading it is an error, never an empty list.
  get removed(): unknown { return this.#iam.known ? toCel(this.#iam.removed) : NOT_KNOWN }
  get removedMembers(): unknown { return this.#iam.known ? toCel(this.#iam.removed.map((binding) => binding.member)) : NOT_KNOWN }
  get removedRoles(): unknown { return this.#iam.known ? toCel(this.#iam.removed.map((binding) => binding.role)) : NOT_KNOWN }
  get auditConfigsChanged(): unknown { return this.#iam.known || this.#iam.auditConfigsChanged ? this.#iam.auditConfigsChanged : NOT_KNOWN }
}

class CallView {
  readonly #call: Call
  #body: unknown
  constructor(call: Call) { this.#call = call }
  get method(): unknown { return this.#call.method.id }
  get target(): unknown { return this.#call.target }
  get host(): unknown { return this.#call.host }
  get verb(): unknown { return this.#call.method.verb }
  get change(): unknown { return this.#call.method.change }
  get risk(): unknown { return this.#call.method.risk }
  get media(): unknown { return this.#call.media }
  get resources(): unknown { return toCel(this.#call.resources) }
  get args(): unknown { return toCel(this.#call.arguments) }
  /** The JSON body; of media its metadata. Without one it is absent, so that reading a member is an error. */
  get body(): unknown {
    const { body } = this.#call
    if (body.kind === 'json') return this.#body ??= toCel(body.value)
    return body.kind === 'media' && body.metadata !== undefined ? this.#body ??= toCel(body.metadata) : undefined
  }
  get iam(): unknown { return this.#call.iam === undefined ? undefined : new IamView(this.#call.iam) }
}

class TimeView {
  readonly #now: Date
  constructor(now: number) { this.#now = new Date(now) }
  get now(): unknown { return this.#now }
  get hour(): unknown { return BigInt(this.#now.getUTCHours()) }
  get weekday(): unknown { return BigInt(this.#now.getUTCDay()) }
}

/** CEL with the variables `agent`, `call` and `time` (UTC; weekday 0 is Sunday). One per compile: it keeps the patterns. */
export function createPolicyConditions(): Conditions {
  return createConditions({
    variables: { agent: 'AgentView', call: 'CallView', time: 'TimeView' },
    types: {
      AgentView: { ctor: AgentView, fields: { issuer: text, id: text, subject: text, run: text, sponsor: text, labels: textMap } },
      IamView: {
        ctor: IamView,
        fields: {
          known: 'bool', added: `list<${textMap}>`, addedMembers: texts, addedRoles: texts, removed: `list<${textMap}>`, removedMembers: texts, removedRoles: texts,
          auditConfigsChanged: 'bool',
        },
      },
      CallView: {
        ctor: CallView,
        fields: {
          method: text, target: text, host: text, verb: text, change: 'bool', risk: text, media: text, resources: texts, args: textMap, body: 'dyn', iam: 'IamView',
        },
      },
      TimeView: { ctor: TimeView, fields: { now: 'google.protobuf.Timestamp', hour: 'int', weekday: 'int' } },
    },
  })
}

/** `now` in epoch ms. */
export function conditionContext(agent: Agent, call: Call, now: number): Record<string, unknown> {
  return { agent: new AgentView(agent), call: new CallView(call), time: new TimeView(now) }
}
