/** `lockkeeper lock set|list|lift`: the kill switch. */
import { Option, type Command } from 'commander'
import type { Lock, LockScope } from '@lockkeeper/domain'
import { WrongUse } from '../command-failed.ts'
import { clientOf, withAdmin, withJson, type AdminOptions } from './admin-option.ts'
import { operator } from './approvals.ts'
import { ago, print, printJson, printTable } from './output.ts'

interface SetOptions extends AdminOptions { readonly everything?: boolean, readonly agent?: string, readonly run?: string, readonly target?: string, readonly reason: string, readonly minutes?: string }

export function addLockCommands(program: Command): void {
  const lock = program.command('lock').description('The kill switch: stops an agent, a run, a target or everything within a second.')
  withAdmin(lock.command('set'))
    .description('New calls are refused, held calls end, open answers are cut, pending requests freeze.')
    .addOption(new Option('--everything', 'every call of every agent').conflicts(['agent', 'run', 'target']))
    .addOption(new Option('--agent <id>', 'one agent').conflicts(['run', 'target']))
    .addOption(new Option('--run <id>', 'one run').conflicts('target'))
    .option('--target <name>', 'one target')
    .requiredOption('--reason <text>', 'shown to agents and kept in the log')
    .option('--minutes <n>', 'ends by itself; default: until lifted')
    .addHelpText('after', '\nExample:\n  $ lockkeeper lock set --agent repo:acme/shop --reason "odd deletes"')
    .action(set)
  withJson(withAdmin(lock.command('list'))).description('Locks that are set.').addHelpText('after', '\nExample:\n  $ lockkeeper lock list').action(list)
  withAdmin(lock.command('lift <id>'))
    .description('Lets calls pass again.')
    .requiredOption('--reason <text>', 'kept in the log')
    .addHelpText('after', '\nExample:\n  $ lockkeeper lock lift lock_9f3a1c7be2d04856 --reason "false alarm"')
    .action(async (id: string, options: SetOptions) => {
      const lifted = await clientOf(options).post<Lock>(`/v1/locks/${encodeURIComponent(id)}/lift`, { by: operator(), reason: options.reason })
      print(`lifted: ${lifted.id}`)
    })
}

async function set(options: SetOptions): Promise<void> {
  const minutes = options.minutes === undefined ? undefined : Number(options.minutes)
  if (minutes !== undefined && !(minutes > 0)) throw new WrongUse('--minutes must be a number above 0')
  const lock = await clientOf(options).post<Lock>('/v1/locks', {
    scope: scopeOf(options), reason: options.reason, by: operator(), ...(minutes === undefined ? {} : { until: Date.now() + minutes * 60_000 }),
  })
  print(`set: ${lock.id}${lock.until === undefined ? ' until it is lifted' : ` until ${new Date(lock.until).toISOString()}`}`)
}

function scopeOf({ everything, agent, run, target }: SetOptions): LockScope {
  if (everything === true) return { kind: 'everything' }
  if (agent !== undefined) return { kind: 'agent', agent }
  if (run !== undefined) return { kind: 'run', run }
  if (target !== undefined) return { kind: 'target', target }
  throw new WrongUse('say what to lock: --everything, --agent, --run or --target')
}

async function list(options: AdminOptions): Promise<void> {
  const { locks } = await clientOf(options).get<{ readonly locks: readonly Lock[] }>('/v1/locks')
  if (options.json === true) return printJson(locks)
  const now = Date.now()
  printTable(locks, [
    { title: 'ID', value: ({ id }) => id }, { title: 'SET', value: ({ at }) => ago(at, now) }, { title: 'BY', value: ({ by }) => by },
    { title: 'UNTIL', value: ({ until }) => until === undefined ? 'lifted' : new Date(until).toISOString() }, { title: 'REASON', value: ({ reason }) => reason },
  ], 'Nothing is locked.')
}
