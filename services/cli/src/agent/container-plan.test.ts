import assert from 'node:assert/strict'
import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CommandFailed } from '../command-failed.ts'
import { superuserOnly, surroundings, type Surroundings } from './container-plan.ts'

describe('what an agent\'s container shows and covers', () => {
  let base: string
  let given: Surroundings
  before(async () => {
    base = await realpath(await mkdtemp(join(tmpdir(), 'lockkeeper-plan-')))
    for (const directory of ['home/.config/gcloud', 'project/conf/policies', 'project/.lockkeeper/keys', 'run', 'secrets', 'other']) await mkdir(join(base, directory), { recursive: true })
    await writeFile(join(base, 'project', 'lockkeeper.yaml'), '')
    given = {
      uid: 1000, home: join(base, 'home'), workingDirectory: join(base, 'project'), read: [], write: [], runDirectory: join(base, 'run', 'one'),
      gateway: { secret: [join(base, 'project', '.lockkeeper'), join(base, 'secrets')], settings: [join(base, 'project', 'lockkeeper.yaml'), join(base, 'project', 'conf', 'policies')] },
    }
  })
  after(() => rm(base, { recursive: true }))
  const plan = (changes: Partial<Surroundings> = {}): ReturnType<typeof surroundings> => surroundings({ ...given, ...changes })
  const covered = (changes?: Partial<Surroundings>): Readonly<Record<string, string>> =>
    Object.fromEntries(plan(changes).covered.filter(({ path }) => path.startsWith(base)).map(({ path, how }) => [path.slice(base.length), how]))

  it('invariant 12: the gateway\'s files inside the working directory are hidden, its settings fixed, and the directories above pinned', () => {
    assert.deepEqual(covered(), { '/project/.lockkeeper': 'hidden-directory', '/project/lockkeeper.yaml': 'fixed', '/project/conf': 'pinned', '/project/conf/policies': 'fixed' })
  })

  it('what is not shown needs no cover', () => {
    assert.deepEqual(covered({ workingDirectory: join(base, 'other') }), {})
  })

  it('invariant 12: a place that is shown beside the working directory is covered as well', () => {
    assert.equal(covered({ workingDirectory: join(base, 'other'), read: [join(base, 'project')] })['/project/.lockkeeper'], 'hidden-directory')
  })

  it('invariant 12: the gateway\'s files in a directory of the system, which every command is shown, are hidden', () => {
    const { covered: found } = plan({ workingDirectory: join(base, 'other'), gateway: { secret: ['/usr/share', '/usr/bin/env'], settings: ['/usr/lib'] } })
    assert.deepEqual(found.filter(({ path }) => ['/usr', '/usr/share', '/usr/bin/env', '/usr/lib'].includes(path)), [{ path: '/usr/share', how: 'hidden-directory' }, { path: '/usr/bin/env', how: 'hidden-file' }])
  })

  it('invariant 12: in a place that is shown to be read nothing is pinned, since what is pinned can be written to', () => {
    const read = { workingDirectory: join(base, 'other'), read: [join(base, 'project')] }
    assert.deepEqual(covered({ ...read, gateway: { secret: [join(base, 'project', '.lockkeeper', 'keys')], settings: [join(base, 'project', 'conf', 'policies')] } }), { '/project/.lockkeeper/keys': 'hidden-directory' })
  })

  it('invariant 12: settings reached through a link that the agent could replace are refused', async () => {
    await symlink(join(base, 'project', 'conf', 'policies'), join(base, 'project', 'linked'))
    assert.throws(() => plan({ gateway: { secret: [], settings: [join(base, 'project', 'linked')] } }), /symbolic link/)
  })

  it('a link to a hidden place does not lead round the cover', async () => {
    await symlink(join(base, 'secrets'), join(base, 'way-in'))
    assert.throws(() => plan({ read: [join(base, 'way-in')] }), /gateway's own files/)
  })

  const REFUSED: readonly (readonly [title: string, change: () => Partial<Surroundings>, text: RegExp])[] = [
    ['the home directory as the working directory', () => ({ workingDirectory: given.home }), /home directory/],
    ['the whole file system as the working directory', () => ({ workingDirectory: '/' }), /home directory/],
    ['a directory above the home directory', () => ({ workingDirectory: base }), /home directory/],
    ['the directory of temporary files', () => ({ workingDirectory: join(base, 'run') }), /temporary files/],
    ['/usr', () => ({ write: ['/usr'] }), /the system/],
    ['the gateway\'s keys', () => ({ read: [join(base, 'project', '.lockkeeper', 'keys')] }), /gateway's own files/],
    ['the gateway\'s secrets', () => ({ workingDirectory: join(base, 'secrets') }), /gateway's own files/],
    ['gcloud\'s directory', () => ({ read: [join(base, 'home', '.config', 'gcloud')] }), /Google credentials/],
    ['writing the policies', () => ({ write: [join(base, 'project', 'conf', 'policies')] }), /policies or settings/],
    ['writing the configuration', () => ({ write: [join(base, 'project', 'lockkeeper.yaml')] }), /policies or settings/],
    ['a place that is not there', () => ({ read: [join(base, 'nothing')] }), /does not exist/],
    ['/proc', () => ({ read: ['/proc'] }), /kernel/],
    ['/dev/shm', () => ({ write: ['/dev/shm'] }), /kernel/],
  ]
  for (const [title, change, text] of REFUSED) {
    it(`invariant 12: ${title} is refused`, () => {
      assert.throws(() => plan(change()), (error: unknown) => error instanceof CommandFailed && text.test(error.message))
    })
  }

  it('what others may not read is found in every depth, and links are left alone', async () => {
    const etc = join(base, 'etc')
    await mkdir(join(etc, 'open'), { recursive: true })
    await mkdir(join(etc, 'closed'), { mode: 0o700 })
    await writeFile(join(etc, 'closed', 'inner'), '', { mode: 0o644 })
    await writeFile(join(etc, 'open', 'shadow'), '', { mode: 0o640 })
    await writeFile(join(etc, 'open', 'hosts'), '', { mode: 0o644 })
    await symlink('/etc/shadow', join(etc, 'link'))
    assert.deepEqual([...superuserOnly(etc)].sort(), [join(etc, 'closed'), join(etc, 'open', 'shadow')])
  })
})
