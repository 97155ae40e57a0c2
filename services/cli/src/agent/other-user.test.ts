import assert from 'node:assert/strict'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { WrongUse } from '../command-failed.ts'
import { canEnter, dynamicUser, namedUser, reachable } from './other-user.ts'

describe('another user for the command', () => {
  before(function () {
    if (process.platform === 'win32') this.skip()
  })

  for (const [name, text] of [['root', /root can read every file/], ['0', /root can read every file/], ['no-such-user', /there is no user/], ['4294967295', /name or number/], ['-u', /name or number/], ['a;id', /name or number/], ['', /name or number/]] as const) {
    it(`--as '${name}' is refused`, () => assert.throws(() => namedUser(name), (error: unknown) => error instanceof WrongUse && text.test(error.message)))
  }

  it('a made-up number belongs to nobody', () => {
    const { uid, gid } = dynamicUser()
    assert.equal(uid, gid)
    assert.ok(uid >= 61_184 && uid <= 65_519)
    assert.throws(() => namedUser(String(uid)), WrongUse)
  })

  it('what a user can reach is found by trying as that user', async function () {
    if (process.getuid?.() !== 0) {
      process.stdout.write('      skipped: only root can try as another user\n')
      this.skip()
    }
    const directory = await mkdtemp(join(tmpdir(), 'lockkeeper-reach-'))
    const user = dynamicUser()
    const paths = ['open', 'closed', 'writable', 'odd\nname'].map((name) => join(directory, name))
    for (const path of paths) await writeFile(path, '', { mode: 0o600 })
    await chmod(paths[0] as string, 0o644)
    await chmod(paths[2] as string, 0o602)
    await chmod(paths[3] as string, 0o644)
    assert.deepEqual([canEnter(user, directory), reachable(user, paths)], [false, []])
    await chmod(directory, 0o755)
    assert.deepEqual([canEnter(user, directory), reachable(user, paths)], [true, [paths[0], paths[2], paths[3]]])
    await rm(directory, { recursive: true })
  })
})
