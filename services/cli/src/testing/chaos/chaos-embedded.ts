/** Tests only: the embedded edition as a process that is killed and started again on its store. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RecordPage } from '@lockkeeper/audit'
import type { ApprovalDocument } from '@lockkeeper/domain/collections'
import type { LogReport, StoredRecord } from '@lockkeeper/transparency-log'
import { writeGatewayFiles } from '../gateway-files.ts'
import { startGatewayProcess, type GatewayProcess } from '../gateway-process.ts'
import type { ChaosEdition } from './chaos-edition.ts'
import { CHAOS_RULES } from './planned-calls.ts'

const CREDENTIAL = 'chaos-upstream-credential-0123456789'
const SETTLED_WITHIN_MS = 60_000

export async function openEmbeddedChaos(upstream: string): Promise<ChaosEdition> {
  const { startSandboxIdp } = await import('@lockkeeper/sandbox')
  const directory = await mkdtemp(join(tmpdir(), 'lockkeeper-chaos-'))
  const idp = await startSandboxIdp()
  const file = await writeGatewayFiles(directory, { issuer: idp.issuer, upstream, policies: CHAOS_RULES })
  const start = (): Promise<GatewayProcess> => startGatewayProcess(file, { credential: CREDENTIAL })
  let running = await start()
  const readLog = async (): Promise<readonly StoredRecord[]> => {
    const records: StoredRecord[] = []
    for (let cursor: string | undefined; ;) {
      const page: RecordPage = await running.admin.get(`/v1/audit/records?limit=1000${cursor === undefined ? '' : `&cursor=${encodeURIComponent(cursor)}`}`)
      records.push(...page.records)
      cursor = page.cursor
      if (cursor === undefined) return records
    }
  }
  return {
    parts: ['gateway'], origins: () => [running.origin],
    token: (agent) => idp.mintAgentToken({ agent, run: agent, sponsor: 'sam.sponsor@sandbox.example.com', ttlSeconds: 3_600 }),
    pending: async () => (await running.admin.get<{ readonly approvals: readonly ApprovalDocument[] }>('/v1/approvals?state=pending&limit=200')).approvals,
    async decide({ id }, verdict) { await running.admin.post(`/v1/terminal/approvals/${id}`, { verdict, reason: 'chaos' }) },
    state: async (approval) => (await running.admin.get<{ readonly approval: { readonly state: string } }>(`/v1/approvals/${approval}`)).approval.state,
    async kill() {
      await running.kill()
      running = await start()
    },
    async settle(isSettled) {
      // The last writer must be closed as well.
      await running.stop()
      running = await start()
      for (const until = performance.now() + SETTLED_WITHIN_MS; ; await sleep(200)) {
        const records = await readLog()
        if (isSettled(records) || performance.now() > until) return { records, report: await running.admin.get<LogReport>('/v1/audit/verify') }
      }
    },
    async close() {
      await running.kill()
      await idp.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}
