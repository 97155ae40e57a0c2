/** Structured logs (pino) that never carry a secret: known fields are dropped, token-like text is struck out everywhere. */
import { isTraceparent } from '@lockkeeper/domain/events'
import { pino, type DestinationStream } from 'pino'
import { strike } from './strike.ts'

export interface Log {
  debug(facts: Readonly<Record<string, unknown>>, message: string): void
  info(facts: Readonly<Record<string, unknown>>, message: string): void
  warn(facts: Readonly<Record<string, unknown>>, message: string): void
  error(facts: Readonly<Record<string, unknown>>, message: string): void
}

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

export interface LoggerOptions {
  /** Default `info`. */
  readonly level?: LogLevel
  /** Google Cloud project that traces are looked up in: lines that belong to a trace name it as Cloud Logging reads it. */
  readonly project?: string
  /** Default: standard error, written synchronously, so that a crash loses nothing. */
  readonly destination?: DestinationStream
}

const SECRET_NAMES = /^(?:authorization|proxy-authorization|cookie|token|access_?token|id_?token|refresh_?token|subject_?token|secret|password|private_?key|credential)$/i
const MAX_DEPTH = 6

export function createLogger(name: string, { level = 'info', destination, project }: LoggerOptions = {}): Log {
  return pino({
    name, level, base: { service: name }, messageKey: 'message',
    // Cloud Logging reads severity and message (cloud.google.com/logging/docs/structured-logging).
    formatters: { level: (label) => ({ severity: label === 'warn' ? 'WARNING' : label.toUpperCase() }), log: (facts) => scrub(withTrace(facts, project), 0) as Record<string, unknown> },
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    hooks: { logMethod(args, method) { method.apply(this, args.map((part) => typeof part === 'string' ? strike(part) : part) as Parameters<typeof method>) } },
  }, destination ?? pino.destination({ dest: 2, sync: true }))
}

/** `traceparent` becomes what a log's reader joins lines and spans by. */
function withTrace({ traceparent, ...facts }: Record<string, unknown>, project: string | undefined): Record<string, unknown> {
  if (!isTraceparent(traceparent)) return facts
  const [, trace, span, flags] = traceparent.split('-')
  if (project === undefined) return { ...facts, trace_id: trace, span_id: span }
  return { ...facts, 'logging.googleapis.com/trace': `projects/${project}/traces/${trace}`, 'logging.googleapis.com/spanId': span, 'logging.googleapis.com/trace_sampled': flags === '01' }
}

function scrub(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return strike(value)
  if (value instanceof Error) return { name: value.name, message: strike(value.message), ...(value.stack === undefined ? {} : { stack: strike(value.stack) }) }
  if (typeof value !== 'object' || value === null) return value
  if (depth >= MAX_DEPTH) return '[deeper]'
  if (Array.isArray(value)) return value.slice(0, 100).map((item) => scrub(item, depth + 1))
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, SECRET_NAMES.test(key) ? '[struck out]' : scrub(member, depth + 1)]))
}
