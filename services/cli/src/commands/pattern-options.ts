/** Options of `approvals approve` that approve calls like the one that is shown, too. */
import type { Command } from 'commander'
import type { ArgumentBound, GrantPattern } from '@lockkeeper/domain/events'
import { WrongUse } from '../command-failed.ts'

export interface PatternOptions {
  readonly pattern?: readonly string[]
  readonly vary?: readonly string[]
  readonly bound?: readonly string[]
  readonly uses?: string
  readonly for?: string
  readonly thisRun?: boolean
}

const UNITS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 }

export function withPattern(command: Command): Command {
  return command
    .option('--pattern <globs...>', 'approve calls of the same method on these resources too; what no option names must stay as shown')
    .option('--vary <names...>', 'with --pattern: arguments that may be anything (body.FIELD for the body, a star at the end for all that begin so)')
    .option('--bound <bounds...>', 'with --pattern: NAME<=NUMBER, NAME=VALUE or NAME=ONE,OTHER')
    .option('--uses <n>', 'with --pattern: calls at most (default: 10)')
    .option('--for <duration>', 'with --pattern: until so long from now, such as 30m, 2h or 1d (default: 1h)')
    .option('--this-run', 'with --pattern: calls of the same run only')
}

/** Undefined where no pattern is asked for. */
export function patternOf(options: PatternOptions): GrantPattern | undefined {
  const { pattern, vary = [], bound = [], uses = '10', for: life = '1h', thisRun = false } = options
  if (pattern === undefined) {
    if (options.vary !== undefined || options.bound !== undefined || options.uses !== undefined || options.for !== undefined || thisRun) throw new WrongUse('--vary, --bound, --uses, --for and --this-run go with --pattern')
    return undefined
  }
  const bounds = [...vary.map((name): readonly [string, ArgumentBound] => [name, { any: true }]), ...bound.map(boundOf)]
  return { resources: [...pattern], arguments: Object.fromEntries(bounds), run: thisRun, uses: usesOf(uses), forMs: msOf(life) }
}

function boundOf(text: string): readonly [string, ArgumentBound] {
  const [, most, number] = /^([^=<]+)<=(\d+(?:\.\d+)?)$/.exec(text) ?? []
  if (most !== undefined) return [most, { max: Number(number) }]
  const [, name, values] = /^([^=<]+)=(.*)$/s.exec(text) ?? []
  if (name === undefined || values === undefined) throw new WrongUse(`--bound ${text}: write NAME<=NUMBER, NAME=VALUE or NAME=ONE,OTHER`)
  return [name, values.includes(',') ? { oneOf: values.split(',') } : { equals: values }]
}

function usesOf(text: string): number {
  const uses = Number(text)
  if (!Number.isInteger(uses) || uses < 1) throw new WrongUse('--uses must be a whole number above 0')
  return uses
}

function msOf(text: string): number {
  const [, count, unit = ''] = /^(\d{1,4})([mhd])$/.exec(text) ?? []
  if (count === undefined) throw new WrongUse('--for must be a duration such as 30m, 2h or 1d')
  return Number(count) * (UNITS[unit] ?? Number.NaN)
}
