/** Tests only: either edition as the subject of a load. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ApprovalDocument } from '@lockkeeper/domain/collections'
import { TOPICS } from '@lockkeeper/domain/events'
import { ALLOW, ASK_TO_PUBLISH } from '../calls.ts'
import { openCloudEdition } from '../cloud-edition.ts'
import { countMessages } from '../count-messages.ts'
import { writeGatewayFiles } from '../gateway-files.ts'
import { startGatewayProcess } from '../gateway-process.ts'
import type { LoadSubject } from './measure-load.ts'

export interface OpenedSubject extends LoadSubject {
  /** From the start of the process that holds until it is ready. */
  readonly startMs: number
  close(): Promise<void>
}

interface Listed { readonly approvals: readonly ApprovalDocument[], readonly cursor?: string }

const SPONSOR = 'sam.sponsor@sandbox.example.com'
/** The longest hold that there may be: none ends by itself while all are gathered. */
const HOLD = '55s'
/** Shorter than the hold. */
const ASKED_WITHIN_MS = 50_000
const pendingOf = (agent: string): string => `/v1/approvals?state=pending&agent=${agent}&limit=200`

export async function openEmbeddedSubject(): Promise<OpenedSubject> {
  const { startSandboxIdp, startSandboxUpstream } = await import('@lockkeeper/sandbox')
  const directory = await mkdtemp(join(tmpdir(), 'lockkeeper-load-'))
  const [idp, upstream] = await Promise.all([startSandboxIdp(), startSandboxUpstream()])
  const file = await writeGatewayFiles(directory, { issuer: idp.issuer, upstream: upstream.origin, policies: [ALLOW, ASK_TO_PUBLISH], config: { hold: HOLD } })
  const began = performance.now()
  const running = await startGatewayProcess(file, { credential: upstream.credential })
  const startMs = performance.now() - began
  return {
    origin: running.origin, pid: running.pid, startMs,
    token: (agent) => idp.mintAgentToken({ agent, run: agent, sponsor: SPONSOR }),
    pending: async (agent) => (await running.admin.get<Listed>(pendingOf(agent))).approvals.map(({ id }) => id),
    approve: (id) => running.approve(id),
    async untilAsked(count) {
      const asked = async (): Promise<number> => {
        for (let total = 0, cursor = ''; ;) {
          const page = await running.admin.get<Listed>(`/v1/approvals?limit=200${cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`}`)
          total += page.approvals.length
          if (page.cursor === undefined) return total
          cursor = page.cursor
        }
      }
      for (const end = performance.now() + ASKED_WITHIN_MS; await asked() < count; await sleep(250)) if (performance.now() > end) throw new Error(`${await asked()} calls are held instead of ${count}`)
    },
    stop: () => running.stop(),
    async close() {
      await running.kill()
      await Promise.all([idp.close(), upstream.close()])
      await rm(directory, { recursive: true, force: true })
    },
  }
}

export async function openCloudSubject(emulators: { readonly firestore: string, readonly pubsub: string, readonly projectId: string }): Promise<OpenedSubject> {
  const edition = await openCloudEdition({ ...emulators, rules: [ALLOW, ASK_TO_PUBLISH], settings: { proxy: { hold: HOLD } } })
  await edition.startInner()
  const began = performance.now()
  const proxy = await edition.start('proxy')
  const startMs = performance.now() - began
  const seen = new Map<string, ApprovalDocument>()
  const asked = await countMessages(emulators.pubsub, emulators.projectId, TOPICS.access)
  return {
    origin: proxy.origin, pid: proxy.pid, startMs,
    token: (agent) => edition.idp.mintAgentToken({ agent, run: agent, sponsor: SPONSOR }),
    async pending(agent) {
      const { approvals } = await edition.ask<Listed>('approval', pendingOf(agent))
      for (const one of approvals) seen.set(one.id, one)
      return approvals.map(({ id }) => id)
    },
    async approve(id) {
      const request = seen.get(id)
      if (request === undefined) throw new TypeError(`${id} was not seen waiting`)
      await edition.decide(request, 'ada')
    },
    untilAsked: (count) => asked.until(count, ASKED_WITHIN_MS),
    stop: () => proxy.stop(),
    close: () => edition.close(),
  }
}
