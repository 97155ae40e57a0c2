/** What every service's main.ts does: read the settings or say all that is wrong with them, then run. */
import { randomBytes } from 'node:crypto'
import { systemClock, type Mode } from '@lockkeeper/domain'
import type { z } from 'zod'
import { createLogger, type Log, type LogLevel } from '../logger.ts'
import manifest from '../../package.json' with { type: 'json' }
import { formatProblems } from '../settings-file.ts'
import { startTelemetry } from '../telemetry/start-telemetry.ts'
import type { TelemetrySettings } from '../telemetry/telemetry-schema.ts'
import type { Telemetry } from '../telemetry/telemetry.ts'
import { loadServiceSettings, type LoadedSettings, type PathProblem } from './load-settings.ts'
import { runServiceProcess, type RunningService } from './service-process.ts'

/** What every service's settings have. */
interface CommonSettings { readonly mode: Mode, readonly log: LogLevel, readonly project: string, readonly telemetry?: TelemetrySettings | undefined }

export interface ServiceMain<S extends z.ZodType<CommonSettings>> {
  /** `proxy`, `approval` …: in logs. */
  readonly name: string
  readonly schema: S
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly check?: (settings: z.output<S>, directory: string) => readonly PathProblem[]
  /** `fail` ends the process when a part is lost later that nothing works without. */
  readonly open: (loaded: LoadedSettings<z.output<S>>, options: { readonly log: Log, readonly telemetry: Telemetry | undefined, readonly fail: (error: Error) => void }) => Promise<RunningService & { readonly port: number }>
}

/** Resolves when the service runs, or when nothing was started; then the exit code is 1. */
export async function serviceMain<S extends z.ZodType<CommonSettings>>({ name, schema, environment, check, open }: ServiceMain<S>): Promise<void> {
  const loaded = loadServiceSettings(schema, environment, check)
  if ('problems' in loaded) {
    process.stderr.write(`lockkeeper ${name}: nothing was started:\n${formatProblems(loaded.problems)}\n`)
    process.exitCode = 1
    return
  }
  const { mode, log: level, project, telemetry: sent } = loaded.settings
  const log = createLogger(name, { level, project })
  await runServiceProcess({
    log,
    open: async (fail) => {
      const telemetry = await startTelemetry({
        serviceName: `lockkeeper-${name}`, version: manifest.version, instance: `${environment['K_REVISION'] ?? name}-${randomBytes(6).toString('hex')}`,
        mode, endpoint: sent?.otlp, sampleRatio: sent?.sampleRatio ?? 0, clock: systemClock, log,
      })
      const service = await open(loaded, { log, telemetry, fail })
      log.info({ port: service.port, mode }, `the ${name} service listens`)
      return {
        async drain() {
          await service.drain()
          await telemetry?.shutdown()
        },
      }
    },
  })
}
