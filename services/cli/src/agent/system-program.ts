/** Programs of the system, found without the caller's PATH: an agent's directory on it must have no say in how agents are shut in. */
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

const DIRECTORIES = ['/usr/sbin', '/usr/bin', '/sbin', '/bin']

export const SYSTEM_PATH = DIRECTORIES.join(delimiter)

/** Absolute path; undefined when it is not there. */
export function systemProgram(name: string): string | undefined {
  return DIRECTORIES.map((directory) => join(directory, name)).find((path) => {
    try {
      accessSync(path, constants.X_OK)
      return true
    } catch {
      // Not here: the next directory may have it.
      return false
    }
  })
}

/** The shell line that opens `lo`, which a new network namespace has closed; undefined when no program here can. */
export function loopbackOpener(): string | undefined {
  if (systemProgram('ip') !== undefined) return 'ip link set lo up'
  if (systemProgram('ifconfig') !== undefined) return 'ifconfig lo up'
  // SIOCSIFFLAGS with IFF_UP and IFF_RUNNING (netdevice(7)).
  if (systemProgram('perl') !== undefined) return 'perl -e \'socket(S,2,2,0) or die; ioctl(S,0x8914,pack("Z16 s x22","lo",0x41)) or die "lo: $!"\''
  return undefined
}
