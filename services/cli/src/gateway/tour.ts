/** The tour's view of this gateway: real clients in processes of their own, with the environment that agents get. */
import { fileURLToPath } from 'node:url'
import { isRefusal } from '@lockkeeper/domain/errors'
import type { ApprovalDocument } from '@lockkeeper/domain/collections'
import type { ApprovalView } from '@lockkeeper/domain/ports'
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { agentVariables, childEnvironment, type AgentAccess } from '../agent/agent-environment.ts'
import { decideAtTerminal } from './decide-at-terminal.ts'
import type { Sandbox } from './sandbox.ts'
import type { Gateway } from './wire.ts'
import { join } from 'node:path'

export interface Tour { readonly gateway: Gateway, readonly sandbox: Sandbox, readonly access: AgentAccess, readonly once: boolean }

const POLL_MS = 25

/** Resolves with true when a step failed. */
export async function takeTour({ gateway, sandbox, access, once }: Tour): Promise<boolean> {
  const { clientSpawner, runTour } = await import('@lockkeeper/sandbox')
  const environment = childEnvironment(process.env, agentVariables(access))
  const command = fileURLToPath(new URL('../../bin/lockkeeper.js', import.meta.url))
  const result = await runTour({
    gateway: { origin: gateway.origin, caFile: join(access.directory, 'authority.pem') },
    agent: { id: 'tour-agent', run: 'tour', sponsor: 'sam.sponsor@sandbox.example.com' },
    agentEnvironment: () => Promise.resolve(environment),
    agentToken: () => readFile(access.tokenFile, 'utf8'),
    spawnClient: clientSpawner([process.execPath, command, 'sandbox-client']),
    approvals: { waitForPending: ({ run, method }, timeoutMs) => waitFor(gateway, timeoutMs, (one) => one.state === 'pending' && one.run === run && one.method === method) },
    // Sandbox mode only: a real gateway has no way to press its own keys.
    approve: (view) => once ? decideAtTerminal(gateway, 'ada', view.id, 'approve', 'the tour approves by itself').then(() => undefined) : decided(gateway, view),
    audit: {
      session: async (run) => (await gateway.audit.queries.session(run)).steps.flatMap(({ records }) => records),
      async verify() {
        const report = await gateway.audit.queries.verify()
        return { ok: report.ok, entries: report.records, problems: report.problems.map(({ message }) => message) }
      },
    },
    upstream: sandbox.upstream,
    out: process.stdout,
  })
  return result.failed.length > 0
}

async function waitFor({ approval }: Gateway, timeoutMs: number, wanted: (one: ApprovalDocument) => boolean): Promise<ApprovalView> {
  const end = performance.now() + timeoutMs
  for (;;) {
    const { approvals } = await approval.admin.list({ limit: 50 })
    const found = approvals.find(wanted)
    if (found !== undefined) return found
    if (performance.now() > end) throw new Error(`no such approval request within ${timeoutMs / 1000} s`)
    await sleep(POLL_MS)
  }
}

async function decided(gateway: Gateway, { id }: ApprovalView): Promise<void> {
  for (;;) {
    const detail = await gateway.approval.admin.show(id)
    if (isRefusal(detail)) throw new Error(detail.message)
    if (detail.approval.state !== 'pending') return
    await sleep(POLL_MS * 4)
  }
}
