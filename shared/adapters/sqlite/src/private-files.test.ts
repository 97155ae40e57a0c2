import { strict as assert } from 'node:assert'
import { generateKeyPairSync } from 'node:crypto'
import { chmodSync, chownSync, linkSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { LockkeeperError } from '@lockkeeper/domain/errors'
import { PortUnavailable } from '@lockkeeper/domain/ports'
import { tempDir } from '@lockkeeper/testkit'
import { fileSecrets, openFileBlobs, openKeyFile, openSqlite } from './index.ts'

const SECRET = 'hunter2-very-secret'

describe('files: secrets', () => {
  const refused: readonly (readonly [what: string, detail: RegExp, spoil: (directory: string, file: string) => void])[] = [
    ['that its group may read', /chmod 600/, (_, file) => chmodSync(file, 0o640)],
    ['that others may read', /chmod 600/, (_, file) => chmodSync(file, 0o604)],
    ['in a directory that others may write in', /chmod go-w/, directory => chmodSync(directory, 0o777)],
    ['over 64 KiB', /over 65536 bytes/, (_, file) => writeFileSync(file, SECRET.repeat(5000))],
    ['that is no UTF-8', /no UTF-8|not UTF-8/, (_, file) => writeFileSync(file, Buffer.from([0x61, 0xff]))],
  ]
  for (const [what, detail, spoil] of refused) {
    it(`invariant 3: a secret ${what} is refused; the text helps and tells nothing of it`, async () => {
      const directory = tempDir()
      const file = join(directory, 'token')
      writeFileSync(file, SECRET, { mode: 0o600 })
      spoil(directory, file)
      await assert.rejects(fileSecrets(directory).access('token'), (error: unknown) => {
        assert.ok(error instanceof LockkeeperError && error.reason === 'CREDENTIAL_UNAVAILABLE')
        assert.match(error.refusal.detail ?? '', detail)
        assert.doesNotMatch(JSON.stringify(error.refusal) + String(error.stack) + String(error.cause), /hunter2/)
        assert.doesNotMatch(error.message, /\//, 'the public text names no path')
        return true
      })
    })
  }

  it('a link, a directory and a pipe in a secret\'s place are refused without waiting', async () => {
    const directory = tempDir()
    const elsewhere = join(tempDir(), 'x')
    writeFileSync(elsewhere, SECRET, { mode: 0o600 })
    symlinkSync(elsewhere, join(directory, 'link'))
    mkdirSync(join(directory, 'folder'))
    spawnSync('mkfifo', ['-m', '600', join(directory, 'pipe')])
    for (const name of ['link', 'folder', 'pipe']) await assert.rejects(fileSecrets(directory).access(name), { reason: 'CREDENTIAL_UNAVAILABLE' }, name)
  })

  it('only one newline at the end is not part of the value', async () => {
    const directory = tempDir()
    writeFileSync(join(directory, 'a'), ' x \n\n', { mode: 0o600 })
    assert.equal((await fileSecrets(directory).access('a')).value, ' x \n')
  })
})

describe('files: owners', () => {
  it('what belongs to another user is refused, a file as well as its directory', async function () {
    // Only root can give files away; elsewhere there is nothing to try.
    if (process.getuid?.() !== 0) return this.skip()
    const foreign = tempDir()
    writeFileSync(join(foreign, 'token'), SECRET, { mode: 0o600 })
    const detail = async (): Promise<string | undefined> => {
      try {
        await fileSecrets(foreign).access('token')
        return undefined
      } catch (error) {
        return (error as LockkeeperError).refusal.detail
      }
    }
    assert.equal(await detail(), undefined)
    chownSync(join(foreign, 'token'), 12345, 12345)
    assert.match(await detail() ?? '', /token belongs to user 12345/)
    chownSync(join(foreign, 'token'), 0, 0)
    chownSync(foreign, 12345, 12345)
    assert.match(await detail() ?? '', /belongs to user 12345, but this process runs as user 0/)
    await assert.rejects(openSqlite({ file: join(foreign, 'store.sqlite'), collections: [] }), /chown 0/)
    await assert.rejects(openKeyFile(join(foreign, 'key.pem')), /belongs to user 12345/)
  })
})

describe('files: the signing key', () => {
  it('it is made once, for its owner only, also when several start at once', async () => {
    const path = join(tempDir(), 'keys', 'log.pem')
    const signers = await Promise.all(Array.from({ length: 6 }, () => openKeyFile(path)))
    assert.equal(new Set(signers.map(signer => signer.keyId)).size, 1)
    assert.match(signers[0]!.keyId, /^file:[\w-]{43}$/)
    assert.equal(statSync(path).mode & 0o777, 0o600)
    assert.equal(statSync(join(path, '..')).mode & 0o777, 0o700)
    assert.deepEqual(readdirSync(join(path, '..')), ['log.pem'])
  })

  it('its name is the RFC 7638 thumbprint (vector of RFC 8037)', async () => {
    const path = join(tempDir(), 'key.pem')
    const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.from('nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A', 'base64url')])
    writeFileSync(path, `-----BEGIN PRIVATE KEY-----\n${der.toString('base64')}\n-----END PRIVATE KEY-----\n`, { mode: 0o600 })
    assert.equal((await openKeyFile(path)).keyId, 'file:kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k')
  })

  const pem = (type: 'ec' | 'rsa'): string => (type === 'ec' ? generateKeyPairSync('ec', { namedCurve: 'P-256' }) : generateKeyPairSync('rsa', { modulusLength: 2048 })).privateKey.export({ format: 'pem', type: 'pkcs8' }) as string
  const refused: readonly (readonly [string, RegExp, (path: string) => void])[] = [
    ['is open to others', /chmod 600/, path => writeFileSync(path, pem('ec'), { mode: 0o644 })],
    ['is a P-256 key', /not Ed25519/, path => writeFileSync(path, pem('ec'), { mode: 0o600 })],
    ['is an RSA key', /not Ed25519/, path => writeFileSync(path, pem('rsa'), { mode: 0o600 })],
    ['is empty', /no private key/, path => writeFileSync(path, '', { mode: 0o600 })],
    ['is a torn key', /no private key/, path => writeFileSync(path, pem('ec').slice(0, 90), { mode: 0o600 })],
    ['is far too large', /over 8192 bytes/, path => writeFileSync(path, 'x'.repeat(9000), { mode: 0o600 })],
    ['is a link', /is a link/, path => symlinkSync('/dev/null', path)],
  ]
  for (const [what, message, make] of refused) {
    it(`a key file that ${what} is refused and left as it is`, async () => {
      const path = join(tempDir(), 'key.pem')
      make(path)
      await assert.rejects(openKeyFile(path), (error: unknown) => error instanceof PortUnavailable && message.test(error.message))
    })
  }
})

describe('files: blobs', () => {
  it('they lie in files for their owner only, and nothing unfinished stays behind', async () => {
    const directory = join(tempDir(), 'blobs')
    const blobs = await openFileBlobs(directory)
    await blobs.create('a/b', Buffer.from('x'))
    await blobs.create('a/b', Buffer.from('x'))
    await assert.rejects(blobs.create('a/b', Buffer.from('y')), TypeError)
    assert.equal(statSync(join(directory, 'blobs', 'a')).mode & 0o777, 0o700)
    assert.equal(statSync(join(directory, 'blobs', 'a', 'b=')).mode & 0o777, 0o600)
    assert.deepEqual(readdirSync(join(directory, 'incoming')), [])
    assert.equal(readFileSync(join(directory, 'blobs', 'a', 'b='), 'utf8'), 'x')
  })

  it('what a process left unfinished is removed at the next start once it is an hour old', async () => {
    const directory = join(tempDir(), 'blobs')
    await openFileBlobs(directory)
    const [old, young] = [join(directory, 'incoming', '.old.new'), join(directory, 'incoming', '.young.new')]
    for (const path of [old, young]) writeFileSync(path, 'x')
    const now = Date.UTC(2026, 0, 2)
    utimesSync(old, now / 1000 - 3700, now / 1000 - 3700)
    utimesSync(young, now / 1000 - 60, now / 1000 - 60)
    await openFileBlobs(directory, { clock: { now: () => now, monotonic: () => 0 } })
    assert.deepEqual(readdirSync(join(directory, 'incoming')), ['.young.new'])
  })

  it('a directory that others may write in and one that cannot be made are PortUnavailable', async () => {
    const open = tempDir()
    chmodSync(open, 0o777)
    await assert.rejects(openFileBlobs(open), PortUnavailable)
    const file = join(tempDir(), 'file')
    writeFileSync(file, '')
    await assert.rejects(openFileBlobs(join(file, 'x')), PortUnavailable)
  })

  it('a file that someone put under a name that is no key is not listed', async () => {
    const directory = join(tempDir(), 'blobs')
    const blobs = await openFileBlobs(directory)
    await blobs.create('a', Buffer.from('x'))
    linkSync(join(directory, 'blobs', 'a='), join(directory, 'blobs', 'stray'))
    assert.deepEqual(await blobs.list('', { limit: 10 }), ['a'])
  })
})
