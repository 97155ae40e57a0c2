/** What every service's main.ts does: read the settings or say all that is wrong with them, then run. */
import type { Mode } from '@lockkeeper/domain'
import type { z } from 'zod'
import { createLogger, type Log, type LogLevel } from '../logger.ts'
import { formatProblems } from '../settings-file.ts'
import { loadServiceSettings, type LoadedSettings, type PathProblem } from './load-settings.ts'
import { runServiceProcess, type RunningService } from './service-process.ts'

export interface ServiceMain<S extends z.ZodType<{ readonly mode: Mode, readonly log: LogLevel }>> {
  /** `proxy`, `approval` …: in logs. */
  readonly name: string
  readonly schema: S
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly check?: (settings: z.output<S>, directory: string) => readonly PathProblem[]
  /** `fail` ends the process when a part is lost later that nothing works without. */
  readonly open: (loaded: LoadedSettings<z.output<S>>, options: { readonly log: Log, readonly fail: (error: Error) => void }) => Promise<RunningService & { readonly port: number }>
}

/** Resolves when the service runs, or when nothing was started; then the exit code is 1. */
export async function serviceMain<S extends z.ZodType<{ readonly mode: Mode, readonly log: LogLevel }>>({ name, schema, environment, check, open }: ServiceMain<S>): Promise<void> {
  const loaded = loadServiceSettings(schema, environment, check)
  if ('problems' in loaded) {
    process.stderr.write(`lockkeeper ${name}: nothing was started:\n${formatProblems(loaded.problems)}\n`)
    process.exitCode = 1
    return
  }
  const { mode, log: level } = loaded.settings
  const log = createLogger(name, { level })
  await runServiceProcess({
    log,
    open: async (fail) => {
      const service = await open(loaded, { log, fail })
      log.info({ port: service.port, mode }, `the ${name} service listens`)
      return service
    },
  })
}
