/**
 * Descriptors that whoever started this process left open. Node closes only the lowest of them to its children; behind any other the
 * agent would find an open directory of the user's own, and from there the whole machine: namespaces hold back names, not descriptors.
 */
import { closeSync, readdirSync, readFileSync } from 'node:fs'

/** O_CLOEXEC in the octal flags of /proc/PID/fdinfo (proc_pid_fdinfo(5)): what this process opened itself has it. */
const CLOSE_ON_EXEC = 0o2000000
const STANDARD = 2

/** What the command's own words name stays: `/dev/fd/63` of a shell's `<(…)`. Linux only; where there is no /proc there is no level that promises this. */
export function closeInheritedDescriptors(words: readonly string[]): void {
  const named = new Set(words.flatMap((word) => [...word.matchAll(/\/fd\/(\d+)/g)].map(([, number]) => Number(number))))
  for (const name of readdirSync('/proc/self/fd')) {
    const descriptor = Number(name)
    if (descriptor > STANDARD && !named.has(descriptor) && isInherited(name)) closeSync(descriptor)
  }
}

function isInherited(descriptor: string): boolean {
  try {
    const [, flags = '0'] = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, 'utf8')) ?? []
    return (Number.parseInt(flags, 8) & CLOSE_ON_EXEC) === 0
  } catch (error) {
    // The one that listed the others is closed by now.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}
