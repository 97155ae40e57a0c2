/** `lockkeeper doctor`: checks a set-up and says what to do. */
import type { Command } from 'commander'
import type { DoctorOptions } from '../doctor/doctor.ts'
import { withSocket, withJson } from './admin-option.ts'

export function addDoctorCommand(program: Command): void {
  withJson(withSocket(program.command('doctor')))
    .description('Checks configuration, isolation level, token, clock, doors and credentials, and says what to do.')
    .option('--config <file>', 'lockkeeper.yaml (default: LOCKKEEPER_CONFIG, else that of the running gateway)')
    .option('--token-file <file>', 'an agent\'s token to check as well')
    .addHelpText('after', '\nExample:\n  $ lockkeeper doctor --config lockkeeper.yaml --token-file token.jwt')
    .action(async (options: DoctorOptions) => (await import('../doctor/doctor.ts')).doctor(options))
}
