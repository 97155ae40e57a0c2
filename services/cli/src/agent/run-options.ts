/** What `lockkeeper run` was called with. */
import type { IsolationLevel } from '@lockkeeper/domain'
import type { AdminOptions } from '../commands/admin-option.ts'

export interface RunOptions extends AdminOptions {
  readonly isolation: IsolationLevel | 'auto'
  readonly as?: string
  readonly read: readonly string[]
  readonly write: readonly string[]
  readonly tokenFile?: string
  readonly tokenCommand?: string
  readonly agent: string
  readonly run?: string
  readonly sponsor?: string
  readonly project?: string
  readonly quiet?: boolean
}
