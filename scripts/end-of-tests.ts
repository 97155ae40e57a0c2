/**
 * For mocha (`require` in .mocharc.cjs). Tests must close what they open: a process that cannot end after its last test would hang
 * for ever, so it says what is still open and ends as a failure. Nothing is hidden by an `exit` that would come anyway.
 * Emulators are shared by all suites, so they are stopped here, and the suites that had none are named in the last lines.
 */
import process from 'node:process'
import { stopEmulators, suitesNotRun } from '@lockkeeper/testkit/emulators'

const GRACE_MS = 10_000

export async function mochaGlobalTeardown(): Promise<void> {
  failWhenAlive(GRACE_MS)
  await stopEmulators()
  for (const line of suitesNotRun()) process.stdout.write(`${line}\n`)
}

/** Ends this process as a failure if it still lives after `graceMs`; does not keep it alive itself. */
export function failWhenAlive(graceMs: number): void {
  setTimeout(() => {
    process.stderr.write(`\nThe tests are over, but ${graceMs} ms later these still keep the process alive: ${process.getActiveResourcesInfo().join(', ')}\nSome test leaves a server, store, worker, child or timer open.\n`)
    // mocha writes its own exit code on exit, so this comes after it; nothing but exit() ends what something keeps alive.
    process.on('exit', () => { process.exitCode = 1 })
    process.exit()
  }, graceMs).unref()
}
