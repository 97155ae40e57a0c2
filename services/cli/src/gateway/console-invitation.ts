/** What `up` says of the console: its address, and the one-time code of whoever sits at this terminal and has no passkey yet. */
import type { LoadedConfig } from './load-config.ts'
import type { Gateway } from './wire.ts'

/**
 * Lines to print; none without a console. The code goes to a terminal only: what is redirected to a file can be read by whoever reads
 * that file. The sandbox, where nothing is at stake, prints it anywhere.
 */
export async function consoleInvitation(gateway: Pick<Gateway, 'console' | 'approval'>, { config, people }: LoadedConfig, isTerminal: boolean): Promise<readonly string[]> {
  const origin = gateway.console?.origin
  if (origin === undefined) return []
  const here = `console: ${origin}`
  const person = people.find(({ id }) => id === config.terminal?.person)
  if (person === undefined) return [`${here}   (nobody can make a passkey: terminal.person names no one)`]
  const known = await gateway.approval.passkeys.listPasskeys(person.id)
  if (known.length > 0) return [here]
  if (!isTerminal && config.mode === 'real') return [`${here}   (${person.name} has no passkey; start the gateway in a terminal to get a one-time code)`]
  return [here, `${person.name} makes a passkey there with this one-time code (1 h): ${gateway.approval.passkeys.openCode(person.id)}`]
}
