/**
 * The shell script that builds an agent's container and becomes its first process. What is visible is a list of what is allowed: a
 * new root of tmpfs, the system's directories read-only, the working directory, and nothing else. Runs with capabilities over its own
 * namespaces only, and gives all of them up in its last line.
 */
import { lstatSync, readlinkSync } from 'node:fs'
import { dirname, posix } from 'node:path'
import { lockedOptions, mountsBelow, readMounts, type Mount } from './mounts.ts'
import { loopbackOpener, SYSTEM_PATH } from './system-program.ts'

export interface Visible { readonly path: string, readonly writable: boolean, readonly source?: string, readonly file?: boolean }

export interface Covered {
  readonly path: string
  /** `pinned`: a directory above a covered one; as a mount point it cannot be renamed away with what it holds. */
  readonly how: 'hidden-directory' | 'hidden-file' | 'fixed' | 'pinned'
}

export interface ContainerPlan {
  /** An empty directory that the new root is built on. */
  readonly root: string
  /** Ids outside and inside the container: the files that the command makes belong to its user. */
  readonly uid: number
  readonly gid: number
  readonly home: string
  readonly workingDirectory: string
  readonly visible: readonly Visible[]
  readonly covered: readonly Covered[]
  /** The first process inside, without any capability. */
  readonly command: readonly string[]
}

/** Every kind of namespace; the command dies with `unshare`. */
export function namespaceArguments(script: string): readonly string[] {
  return ['--user', '--map-root-user', '--mount', '--pid', '--net', '--ipc', '--uts', '--fork', '--kill-child', '--propagation', 'private', '--', '/bin/sh', '-c', script]
}

/** Shown read-only to every command, with whatever lies in them. */
export const SYSTEM = ['/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32', '/usr', '/etc', '/opt', '/nix']
const DEVICES = ['null', 'zero', 'full', 'random', 'urandom', 'tty']
/** Files and directories of /proc that the superuser's id alone opens, capabilities or not (as container engines cover them). */
const PROC_FIXED = ['bus', 'fs', 'irq', 'sys', 'sysrq-trigger']
const PROC_HIDDEN = ['kcore', 'keys', 'kmsg', 'timer_list', 'sched_debug', 'latency_stats', 'acpi', 'scsi', 'asound']
const TMP = 'mode=1777,nosuid,nodev,size=2g'

function quote(text: string): string {
  return `'${text.replaceAll('\'', '\'\\\'\'')}'`
}

export function containerScript(plan: ContainerPlan): string {
  const { root, uid, gid, workingDirectory, command } = plan
  const mounts = readMounts()
  const rights = uid === 0 ? ['--bounding-set=-all', '--inh-caps=-all'] : []
  return [
    'set -eu', `export PATH=${SYSTEM_PATH}`, 'umask 022', loopbackOpener() ?? 'false',
    `mount -t tmpfs -o mode=0755,nosuid,nodev,size=16m tmpfs ${quote(root)}`, `cd ${quote(root)}`,
    ...SYSTEM.flatMap((path) => systemDirectory(path, root, mounts)),
    ...kernelFiles(uid === 0), ...privatePlaces(plan.home),
    ...[...plan.visible].sort(byDepth).flatMap((one) => show(one, root, mounts)),
    ...[...plan.covered].sort(byDepth).flatMap((one) => cover(one, root, mounts)),
    'mkdir .old', 'pivot_root . .old', 'cd /', 'umount -l /.old', 'rmdir /.old', 'mount -o remount,bind,ro /', `cd ${quote(workingDirectory)}`,
    `exec unshare --user --map-user=${uid} --map-group=${gid} -- setpriv --no-new-privs ${rights.join(' ')} -- ${command.map(quote).join(' ')}`,
  ].join('\n')
}

function byDepth(one: { readonly path: string }, other: { readonly path: string }): number {
  return one.path.split('/').length - other.path.split('/').length
}

function systemDirectory(path: string, root: string, mounts: readonly Mount[]): readonly string[] {
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (found === undefined) return []
  if (found.isSymbolicLink()) return [`ln -s ${quote(readlinkSync(path))} ${quote(`.${path}`)}`]
  return show({ path, writable: false }, root, mounts)
}

function kernelFiles(maskProc: boolean): readonly string[] {
  const masked = !maskProc ? [] : [
    ...PROC_FIXED.map((name) => `if [ -e proc/${name} ]; then mount --bind proc/${name} proc/${name}; mount -o remount,bind,ro,nosuid,nodev,noexec proc/${name}; fi`),
    ...PROC_HIDDEN.map((name) => `if [ -d proc/${name} ]; then mount -t tmpfs -o ro,mode=0555,size=4k tmpfs proc/${name}; elif [ -e proc/${name} ]; then mount --bind /dev/null proc/${name}; fi`),
  ]
  return [
    'mkdir proc', 'mount -t proc -o nosuid,nodev,noexec proc proc', ...masked,
    'mkdir dev', 'mount -t tmpfs -o mode=0755,nosuid,noexec,size=1m tmpfs dev',
    ...DEVICES.map((name) => `: > dev/${name}; mount --bind /dev/${name} dev/${name}`),
    'mkdir dev/pts', 'mount -t devpts -o newinstance,ptmxmode=0666,mode=0620,nosuid,noexec devpts dev/pts', 'ln -s pts/ptmx dev/ptmx',
    'ln -s /proc/self/fd dev/fd', 'ln -s /proc/self/fd/0 dev/stdin', 'ln -s /proc/self/fd/1 dev/stdout', 'ln -s /proc/self/fd/2 dev/stderr',
    'mkdir -m 1777 dev/shm', `mount -t tmpfs -o ${TMP} tmpfs dev/shm`,
  ]
}

/** Sockets of other services (container engines, agents of keys, desktop buses) lie in /run; these are new and empty. */
function privatePlaces(home: string): readonly string[] {
  const at = `.${home}`
  return [
    'mkdir -p tmp var/tmp run', `mount -t tmpfs -o ${TMP} tmpfs tmp`, `mount -t tmpfs -o ${TMP} tmpfs var/tmp`, 'mount -t tmpfs -o mode=0755,nosuid,nodev,size=16m tmpfs run', 'ln -s /run var/run',
    ...(home.startsWith('/') && home !== '/' ? [`mkdir -p ${quote(at)}`, `mount -t tmpfs -o mode=0700,nosuid,nodev,size=2g tmpfs ${quote(at)}`] : []),
  ]
}

function show({ path, writable, source = path, file = false }: Visible, root: string, mounts: readonly Mount[]): readonly string[] {
  const at = quote(`.${path}`)
  const place = file ? `mkdir -p ${quote(`.${dirname(path)}`)}; [ -e ${at} ] || : > ${at}` : `mkdir -p ${at}`
  const options = new Set(['nosuid', 'nodev', ...lockedOptions(source, mounts), ...(writable ? [] : ['ro'])])
  const below = writable ? [] : mountsBelow(source, mounts).filter((mount) => !mount.path.startsWith(`${root}/`) && mount.path !== root)
  return [
    place, `mount --rbind ${quote(source)} ${at}`, `mount -o remount,bind,${[...options].join(',')} ${at}`,
    ...below.map((mount) => `mount -o remount,bind,${[...new Set(['nosuid', 'nodev', 'ro', ...lockedOptions(mount.path, mounts)])].join(',')} ${quote(`.${posix.join(path, mount.path.slice(source.length))}`)}`),
  ]
}

function cover({ path, how }: Covered, root: string, mounts: readonly Mount[]): readonly string[] {
  const at = quote(`.${path}`)
  if (how === 'hidden-directory') return [`mount -t tmpfs -o ro,mode=0555,nosuid,nodev,noexec,size=4k tmpfs ${at}`]
  if (how === 'hidden-file') return [`mount --bind dev/null ${at}`]
  return show({ path, source: `${root}${path}`, writable: how === 'pinned' }, root, mounts).slice(1)
}
