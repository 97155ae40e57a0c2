/** Tests only: the Google Cloud edition on the emulators, whose services are killed one after the other. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { ApprovalDocument } from '@lockkeeper/domain/collections'
import type { LogReport } from '@lockkeeper/transparency-log'
import { openCloudEdition } from '../cloud-edition.ts'
import { startConsumerLink } from '../consumer-link.ts'
import type { ServiceName, ServiceProcess } from '../service-process.ts'
import { cloudRecords } from '../settled.ts'
import { monotonicJump } from '../shifted-clock.ts'
import type { ChaosEdition } from './chaos-edition.ts'
import { CHAOS_RULES } from './planned-calls.ts'

export interface CloudChaosOptions {
  readonly firestore: string
  readonly pubsub: string
  readonly projectId: string
  readonly upstream: string
  /** Processes that may be killed. Default: two proxies, approval, policy, audit. */
  readonly parts?: readonly string[]
  /** Ms that records may take to arrive after the last call. Default 180,000. */
  readonly settledWithinMs?: number
}

const PROXIES = ['proxy-a', 'proxy-b']
/** Longer than a writer may be silent. */
const WRITER_LOST_MS = 61_000
const STARTS = 5

export async function openCloudChaos({ upstream, parts = [...PROXIES, 'approval', 'policy', 'audit'], settledWithinMs = 180_000, ...emulators }: CloudChaosOptions): Promise<ChaosEdition> {
  const targets = [{ name: 'google', hosts: ['*.googleapis.com'], upstream, credential: { secret: 'sandbox-upstream' } }]
  const link = await startConsumerLink(emulators.pubsub)
  const edition = await openCloudEdition({ ...emulators, rules: CHAOS_RULES, settings: { proxy: { targets }, audit: { emulators: { firestore: emulators.firestore, pubsub: link.host } } } })
  await edition.startInner()
  await Promise.all(PROXIES.map((as) => edition.start('proxy', { as })))
  const service = (name: string): ServiceProcess => edition.services.get(name) as ServiceProcess
  return {
    parts, origins: () => PROXIES.map((name) => service(name).origin),
    token: (agent) => edition.idp.mintAgentToken({ agent, run: agent, sponsor: 'sam.sponsor@sandbox.example.com', ttlSeconds: 3_600 }),
    pending: async () => (await edition.ask<{ readonly approvals: readonly ApprovalDocument[] }>('approval', '/v1/approvals?state=pending&limit=200')).approvals,
    decide: (request, verdict) => edition.decide(request, 'ada', verdict),
    state: async (approval) => (await edition.ask<{ readonly approval: { readonly state: string } }>('approval', `/v1/approvals/${approval}`)).approval.state,
    async kill(part) {
      const { port } = service(part)
      await service(part).kill()
      // While nobody listens there, a connection of somebody else may hold the port for a moment.
      for (let left = STARTS; ; left--) {
        try {
          return void await edition.start(part.startsWith('proxy') ? 'proxy' : part as ServiceName, { as: part, port })
        } catch (error) {
          if (left === 0) throw error
          await service(part).kill()
        }
      }
    },
    async settle(isSettled) {
      await Promise.all(PROXIES.map((name) => service(name).stop()))
      await service('audit').stop()
      await edition.start('audit', { preload: monotonicJump(WRITER_LOST_MS, 2_000) })
      for (const until = performance.now() + settledWithinMs; ; await sleep(500)) {
        const records = await cloudRecords(edition).catch(() => undefined)
        if (records !== undefined && (isSettled(records) || performance.now() > until)) return { records, report: await edition.ask<LogReport>('audit', '/v1/audit/verify') }
      }
    },
    async close() {
      await edition.close()
      await link.close()
    },
  }
}
