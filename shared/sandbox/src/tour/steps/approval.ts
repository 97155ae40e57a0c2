/** A change that waits for a person, runs once, and whose answer is kept for the client that lost it. */
import { answered, runSandboxClient } from '../client-report.ts'
import type { TourStep } from '../context.ts'
import { expect } from '../context.ts'
import { PROJECT_RESOURCE } from '../../upstream/resource-manager.ts'
import { PROJECT } from '../../upstream/world.ts'

const METHOD = 'cloudresourcemanager.projects.setIamPolicy'
const ROLE = 'roles/run.viewer'
const MEMBER = 'user:new.hire@sandbox.example.com'
const PENDING_MS = 45_000
const DEFAULT_APPROVAL_MS = 600_000

export const approvedOnce: TourStep = {
  title: 'projects.setIamPolicy waits, is approved by a person, runs once, and a re-send gets the receipt',
  timeoutMs: 120_000,
  waitsForPerson: true,
  async run(context, say) {
    const dials = (): number => context.upstream.requests.count({ method: 'POST', path: /\/projects\/[^/]+:setIamPolicy/ })
    const before = dials()
    const patience = (context.approvalTimeoutMs ?? DEFAULT_APPROVAL_MS) + 90_000
    const client = runSandboxClient(context, 'add-binding', [PROJECT.id, ROLE, MEMBER], patience)
    const view = await Promise.race([context.approvals.waitForPending({ run: context.agent.run, method: METHOD }, PENDING_MS), failing(client)])
    say(`waiting: ${view.id} ${view.method} by ${view.agent}; nothing has run`)
    expect(dials() === before, 'the change was dialled before anyone approved it')
    await Promise.race([context.approve(view), failing(client)])
    const { status, again, waits } = answered((await client).report) as unknown as { readonly status: number, readonly waits: number, readonly again: { readonly status: number, readonly receipt?: string, readonly sameAnswer: boolean } }
    say(`approved; the client got ${status} after ${waits === 0 ? 'one held request' : `${waits} answers 428`}`)
    expect(dials() === before + 1, `the change was dialled ${dials() - before} times`)
    const members = context.upstream.world.policies.get(PROJECT_RESOURCE).bindings.find(({ role }) => role === ROLE)?.members ?? []
    expect(members.includes(MEMBER), 'the upstream does not hold the new member')
    expect(again.status === 200 && again.receipt !== undefined, `the re-send got ${again.status} without a receipt`)
    expect(again.sameAnswer, 'the receipt is not the first answer')
    say(`dialled once; the same request again got the receipt ${again.receipt}`)
  },
}

/** Never resolves; rejects when the client could not even be run, or ended refused before anything was approved. */
async function failing(client: ReturnType<typeof runSandboxClient>): Promise<never> {
  answered((await client).report)
  return new Promise<never>(() => undefined)
}
