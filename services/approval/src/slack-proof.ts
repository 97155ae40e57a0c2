/**
 * A click in Slack as proof of a decision (invariant 7). Slack signs what it sends with a secret that only Slack and the approval
 * service hold; whoever carries the click there can drop it and can change nothing of it. The signed form names the approval, its
 * digest, the verdict and the reason, and all four must be those of the decision.
 * Source: docs.slack.dev, "Verifying requests from Slack".
 */
import { createHmac } from 'node:crypto'
import { equalInConstantTime, sha256 } from '@lockkeeper/domain/digest'
import { readSlackClick, type ReadSlackClick } from '@lockkeeper/domain/slack-click'
import type { Person, PersonId, RiskClass } from '@lockkeeper/domain'

export interface SlackTrust {
  /** The app's signing secret, read anew for each click. Rejects with PortUnavailable or LockkeeperError while it cannot be had. */
  readonly signingSecret: () => Promise<string>
  /** Id of the app that posts the messages (`A…`). */
  readonly app: string
  /** Workspace whose members count (`T…`): member ids mean nothing outside it. */
  readonly team: string
  /** Organisation of that workspace (`E…`), where it is part of an Enterprise organisation. */
  readonly enterprise?: string
  /** Risk classes that a click may decide. */
  readonly decides: readonly Exclude<RiskClass, 'critical'>[]
  /** The person with that Slack identity. */
  readonly bySlack: (member: string) => Person | undefined
}

export interface SlackClick { readonly body: string, readonly timestamp: string, readonly signature: string }

interface Decision { readonly approval: string, readonly digest: string, readonly verdict: 'approve' | 'deny', readonly reason?: string }
export type SlackFinding = { readonly person: PersonId, readonly madeAt: number, readonly fingerprint: string } | { readonly why: string }

/** Slack's own limit for a request to be believed. */
const FRESH_MS = 300_000
const AHEAD_MS = 60_000
const LEAST_SECRET = 16

/** Rejects as `signingSecret` does; everything else that is wrong is said in `why`. */
export async function checkSlackClick(decision: Decision, click: SlackClick, trust: SlackTrust, now: number): Promise<SlackFinding> {
  if (!/^\d{9,11}$/.test(click.timestamp)) return { why: 'the time of the click is no time' }
  const madeAt = Number(click.timestamp) * 1000
  if (now - madeAt > FRESH_MS) return { why: 'the click is over five minutes old' }
  if (madeAt - now > AHEAD_MS) return { why: 'the click lies in the future' }
  const signed = `v0:${click.timestamp}:${click.body}`
  const secret = await trust.signingSecret()
  if (secret.length < LEAST_SECRET) return { why: 'the signing secret is too short to be one' }
  const wanted = `v0=${createHmac('sha256', secret).update(signed).digest('hex')}`
  if (!equalInConstantTime(wanted, click.signature)) return { why: 'Slack did not sign it' }
  const read = readSlackClick(click.body)
  if (read === undefined) return { why: 'it is no click on one button of ours' }
  const mismatch = mismatchOf(decision, read, trust)
  if (mismatch !== undefined) return { why: mismatch }
  const person = trust.bySlack(read.member)
  if (person === undefined) return { why: 'the member of the workspace is no known person' }
  if (person.disabled === true) return { why: 'the member of the workspace is a disabled person' }
  return { person: person.id, madeAt, fingerprint: sha256(signed) }
}

function mismatchOf({ approval, digest, verdict, reason }: Decision, read: ReadSlackClick, { app, team, enterprise }: SlackTrust): string | undefined {
  if (read.app !== app) return 'it is a click in another app'
  // In a shared channel people of other workspaces can click too; their ids are not ours.
  if (read.team !== team || (read.memberTeam !== team && (enterprise === undefined || read.memberTeam !== enterprise))) return 'it comes from another workspace'
  if (read.approval !== approval || !equalInConstantTime(read.digest, digest) || read.verdict !== verdict) return 'the click was about another decision'
  return read.reason === reason ? undefined : 'the click gave another reason'
}
