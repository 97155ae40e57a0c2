/** The proxy: the data path from an agent's socket to Google and back. */
import type { AddressInfo } from 'node:net'
import { refuse } from '@lockkeeper/domain/errors'
import { viewApprovals } from './approvals-view.ts'
import { answerMalformed } from './doors/malformed-request.ts'
import { recordTunnel } from './doors/record-tunnel.ts'
import { Stopped } from './exchange/upstream-failures.ts'
import { createUploadSessions } from './exchange/upload-sessions.ts'
import { createUpstreams } from './exchange/upstreams.ts'
import { createHolds } from './holds.ts'
import { createListeners, type Listeners, type ListenSettings } from './listeners.ts'
import { covers, viewLocks } from './locks-view.ts'
import { createMaskers } from './maskers.ts'
import { createOpenCalls } from './open-calls.ts'
import { createOwedRecords } from './owed-records.ts'
import type { Parts, ProxyPorts, ProxySettings } from './parts.ts'
import { CallTelemetry } from './telemetry/call-telemetry.ts'
import { observeProxy } from './telemetry/proxy-gauges.ts'
import { createReceiver, type Receiver } from './receive.ts'

export { createTargets, type Target, type Targets, type TargetSettings } from './targets.ts'
export { watchTargets, type TargetsWatchOptions, type WatchedTargets } from './targets-watch.ts'
export { DEFAULT_LIMITS, type Limits } from './limits.ts'
export type { PolicyView, ProxyPorts, ProxySettings } from './parts.ts'
export type { ListenSettings } from './listeners.ts'
export type { ForwardDoorSettings } from './doors/forward-door.ts'
export type { CertificateAuthority } from './doors/certificate-authority.ts'

export interface Proxy {
  /** Opens the agent port. Resolves when it accepts connections and the watched views are complete. */
  start(listen: ListenSettings): Promise<AddressInfo>
  /** Answers all holds with 428, lets calls finish for up to `ms` (default 8,000), then cuts them. */
  drain(ms?: number): Promise<void>
  readonly status: () => { readonly held: number, readonly open: number, readonly policyAgeMs: number, readonly locksAgeMs: number, readonly approvalsAgeMs: number, readonly targetsAgeMs: number }
}

export function createProxy(ports: ProxyPorts, settings: ProxySettings): Proxy {
  const parts: Parts = {
    ...ports, settings, calls: ports.telemetry === undefined ? undefined : new CallTelemetry(ports.telemetry, ports.clock),
    approvals: viewApprovals(ports.documents, ports.clock),
    locks: viewLocks(ports.documents, ports.clock),
    maskers: createMaskers(),
    upstreams: createUpstreams({ headersMs: settings.upstreamHeadersMs, bodyMs: settings.upstreamBodyMs }),
    sessions: createUploadSessions(ports.sessionKey, ports.clock),
    holds: createHolds(settings.limits),
    open: createOpenCalls(),
    owed: createOwedRecords(ports),
  }
  parts.locks.onLock((lock) => {
    parts.holds.endAll('locked', ({ agent, run, target }) => covers(lock, agent, run, target))
    parts.open.cut(lock, new Stopped(refuse('AGENT_LOCKED', { message: `A lock stopped this call in the middle (${lock.scope.kind}): ${lock.reason}. A change may or may not have happened.`, metadata: { lock: lock.id } })))
  })
  const listeners: Listeners = createListeners((request, response) => receiver.receive(request, response), answerMalformed(parts), {
    isTarget: (host) => parts.targets.find(host) !== undefined,
    record: (host, refusal) => recordTunnel(host, refusal, parts),
  })
  const receiver = createReceiver(parts, listeners)
  const status: Proxy['status'] = () => ({ held: parts.holds.size, open: parts.open.size, policyAgeMs: parts.policy.age(), locksAgeMs: parts.locks.age(), approvalsAgeMs: parts.approvals.age(), targetsAgeMs: parts.targets.age() })
  if (ports.telemetry !== undefined) observeProxy(ports.telemetry, { status, queued: () => ports.records.queued })
  return {
    async start(listen) {
      const port = listeners.prepare(listen)
      await Promise.all([parts.locks.ready, parts.approvals.ready])
      return port.open()
    },
    drain: (ms = 8000) => drain(ms, parts, listeners, receiver),
    status,
  }
}

/** Ms that calls whose connections have ended may take to end too. */
const ENDED_WITHIN_MS = 1000

async function drain(ms: number, { holds, open, owed, locks, approvals, upstreams }: Parts, listeners: Listeners, receiver: Receiver): Promise<void> {
  const stopped = listeners.stop()
  holds.endAll('stopping')
  const timer = setTimeout(() => {
    open.cut({ scope: { kind: 'everything' } }, new Stopped(refuse('SHUTTING_DOWN', 'The gateway stopped in the middle of this call. A change may or may not have happened.')))
    setImmediate(() => listeners.cut())
  }, ms)
  await stopped
  // A connection can end before its call has: what became of the call still belongs into the log.
  const patience = Promise.withResolvers<void>()
  const over = setTimeout(patience.resolve, ENDED_WITHIN_MS)
  await Promise.race([receiver.ended(), patience.promise])
  clearTimeout(over)
  clearTimeout(timer)
  owed.close()
  locks.close()
  approvals.close()
  await upstreams.close()
}
