/** What page and server say to each other. Types alone: the page is compiled for browsers, the server for Node. */

export interface Me {
  readonly person: { readonly id: string, readonly name: string }
  /** Goes into `x-lockkeeper-csrf` of every request that changes anything. */
  readonly csrf: string
  readonly mode: 'sandbox' | 'real'
  readonly decideBy: 'passkey' | 'idToken'
  /** May lock, lift and revoke. */
  readonly operator: boolean
  /** Epoch ms at the server, to show what time is left. */
  readonly now: number
}

export interface SignInOptions {
  readonly mode: 'sandbox' | 'real'
  readonly passkeys: boolean
  readonly clients: readonly { readonly issuer: string, readonly label: string }[]
}

export interface Assertion { readonly credential: string, readonly clientData: string, readonly authenticatorData: string, readonly signature: string }

export interface WaitingCall {
  readonly id: string
  readonly agent: string
  readonly run: string
  readonly method: string
  readonly resources: readonly string[]
  readonly at: number
  readonly expiresAt: number
  readonly title: string
  readonly summary: string
  readonly risk: string
  readonly sponsor?: string
  readonly reviewers: readonly string[]
  readonly approvedBy: readonly string[]
  readonly quorum: number
  readonly escalated: boolean
}

export interface Inbox {
  readonly waiting: readonly WaitingCall[]
  /** There are older ones: `/api/inbox?cursor=`. */
  readonly cursor?: string
  /** Epoch ms at the server. */
  readonly now: number
}

export interface Approval {
  readonly id: string
  readonly state: string
  readonly agent: string
  readonly run: string
  readonly method: string
  readonly target: string
  readonly resources: readonly string[]
  readonly digest: string
  readonly at: number
  readonly expiresAt: number
  readonly settledAt?: number
  readonly reason?: string
}

export interface Card {
  readonly id: string
  readonly mode: string
  readonly title: string
  readonly method: string
  readonly call: string
  readonly target: string
  readonly digest: string
  readonly resources: readonly string[]
  readonly arguments: readonly string[]
  readonly headers: readonly string[]
  readonly risk: string
  readonly riskWhy: string
  readonly agent: string
  readonly run: string
  readonly sponsor: string
  readonly chain: readonly string[]
  readonly isolation: string
  readonly rule: string
  readonly reasons: readonly string[]
  readonly statedReason?: string
  readonly iam: readonly string[]
  /** Fields that the body changes, from what to what. */
  readonly edits: readonly string[]
  /** What the approval is bound to. */
  readonly boundTo: readonly string[]
  readonly effect?: string
  readonly undo?: string
  /** What else of this run came before persons. */
  readonly soFar: readonly string[]
  readonly body: readonly string[]
  readonly reviewers: readonly string[]
  readonly earlier?: string
  readonly changed: readonly string[]
  readonly warnings: readonly string[]
}

export interface Vote { readonly person: string, readonly verdict: 'approve' | 'deny', readonly reason?: string, readonly at: number, readonly proof: string, readonly breakGlass?: true }

export interface Lock {
  readonly id: string
  readonly scope: { readonly kind: 'everything' } | { readonly kind: 'agent', readonly agent: string } | { readonly kind: 'run', readonly run: string } | { readonly kind: 'target', readonly target: string }
  readonly reason: string
  readonly by: string
  readonly at: number
  readonly until?: number
}

export interface ApprovalDetail {
  readonly approval: Approval
  readonly summary: string
  readonly card?: Card
  readonly votes: readonly Vote[]
  readonly quorum: number
  readonly reviewers: readonly string[]
  readonly grant?: { readonly id: string, readonly use: number }
  readonly refused: readonly { readonly at: number, readonly person?: string, readonly verdict: string, readonly reason: string, readonly why: string }[]
  readonly lock?: Lock
  readonly offer: {
    readonly reasonRequired: boolean
    readonly breakGlass: readonly string[]
    readonly pattern?: { readonly resources: readonly string[], readonly places: readonly { readonly name: string, readonly value: string }[], readonly maxUses: number, readonly maxForMs: number }
  }
}

export type Bound = { readonly equals: string } | { readonly oneOf: readonly string[] } | { readonly max: number } | { readonly any: true }
export interface Pattern { readonly resources: readonly string[], readonly arguments: Readonly<Record<string, Bound>>, readonly run: boolean, readonly uses: number, readonly forMs: number }

/** What a person decides; the proof comes on top. */
export interface Said {
  readonly verdict: 'approve' | 'deny'
  readonly reason?: string
  readonly grant?: Pattern
  readonly breakGlass?: true
}

/** What the proof of a decision needs: a passkey's challenge, or the address of the identity provider. */
export type Challenge =
  | { readonly kind: 'passkey', readonly challenge: string, readonly at: number, readonly rpId: string }
  | { readonly kind: 'redirect', readonly location: string }

export interface Decided { readonly state: string, readonly approvals: number, readonly quorum: number, readonly grant?: string, readonly review?: string }

export interface Grant {
  readonly id: string
  readonly state: 'live' | 'used' | 'ended' | 'revoked'
  readonly approval: string
  readonly agent: string
  readonly run: string
  readonly method: string
  readonly rule: string
  readonly summary: string
  readonly pattern: Pattern
  readonly at: number
  readonly until: number
  readonly used: number
  readonly by: readonly string[]
  readonly revoked?: { readonly by: string, readonly reason: string, readonly at: number }
}

export interface Review {
  readonly id: string
  readonly open: boolean
  readonly approval: string
  readonly by: readonly string[]
  readonly reason: string
  readonly summary: string
  readonly rule: string
  readonly at: number
  readonly closed?: { readonly by: string, readonly note: string, readonly at: number }
}

export interface RunSummary { readonly agent: string, readonly run: string, readonly calls: number, readonly refused: number, readonly waiting: number, readonly first: number, readonly last: number }

export interface RunsPage { readonly runs: readonly RunSummary[], readonly cursor?: string }

export interface RunRecord {
  readonly id: string
  readonly kind: 'intent' | 'outcome' | 'event'
  readonly at: number
  readonly origin: string
  readonly method?: string
  readonly verb?: string
  readonly host?: string
  readonly path?: string
  readonly resources?: readonly string[]
  readonly effect?: string
  readonly rule?: string
  readonly result?: string
  readonly status?: number
  readonly reason?: string
  readonly durationMs?: number
  readonly heldMs?: number
  readonly masked?: number
  readonly approval?: string
  readonly text?: string
  readonly who?: string
}
export interface ShownBody { readonly hash: string, readonly text?: string, readonly base64?: string }
export interface RunSession {
  readonly run: string
  readonly agents: readonly string[]
  readonly truncated: boolean
  readonly steps: readonly { readonly at: number, readonly records: readonly RunRecord[], readonly request?: ShownBody, readonly response?: ShownBody }[]
}

export interface LoadOf { readonly name: string, readonly asked: number, readonly askedPerDay: number, readonly approved: number, readonly denied: number, readonly medianMs?: number, readonly fastShare: number }
export interface LoadReport {
  readonly days: number
  readonly from: string
  readonly persons: readonly (LoadOf & { readonly called: string })[]
  readonly rules: readonly (LoadOf & { readonly share: number, readonly tooMuch: boolean })[]
}

export interface Passkey { readonly id: string, readonly person: string, readonly label: string, readonly at: number, readonly usedAt?: number }

/** Browsers that a person is signed in with, newest first; epoch ms. */
export interface SignIns { readonly signIns: readonly { readonly startedAt: number, readonly usedAt: number, readonly current: boolean }[] }

/** The request that a mail's link leads to. */
export interface OpenedLink { readonly approval: string }

export interface ProblemBody { readonly title?: string, readonly detail?: string, readonly reason?: string }
