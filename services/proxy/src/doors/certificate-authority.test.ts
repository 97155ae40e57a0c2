import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync, statSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { connect, createServer } from 'node:tls'
import { manualClock, tempDir } from '@lockkeeper/testkit'
import { systemClock } from '@lockkeeper/domain'
import { openCertificateAuthority, type CertificateAuthority } from './certificate-authority.ts'

const DAY = 24 * 60 * 60 * 1000

async function handshake(authority: CertificateAuthority, host: string): Promise<string> {
  const context = await authority.contextFor(host)
  const server = createServer({ SNICallback: (_name, answer) => answer(null, context) }, (socket) => socket.end())
  server.on('tlsClientError', () => undefined)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const socket = connect({ host: '127.0.0.1', port: (server.address() as AddressInfo).port, servername: host, ca: authority.certificate })
  const result = await new Promise<string>((resolve) => socket.once('secureConnect', () => resolve('ok')).once('error', (error: NodeJS.ErrnoException) => resolve(`${error.code} ${error.message}`)))
  socket.destroy()
  server.close()
  return result
}

describe('the forward door\'s certificate authority', () => {
  it('vouches for its targets and the names under a wildcard', async () => {
    const authority = await openCertificateAuthority(tempDir(), ['*.googleapis.com', 'app.example.com'], systemClock)
    for (const host of ['storage.googleapis.com', 'us-central1-run.googleapis.com', 'run.us.rep.googleapis.com', 'app.example.com']) assert.equal(await handshake(authority, host), 'ok')
  })

  for (const host of ['evil.example', 'example.com', 'googleapis.com.evil.example', 'xgoogleapis.com', 'other.example.com']) {
    it(`is refused by clients for ${host}`, async () => {
      const authority = await openCertificateAuthority(tempDir(), ['*.googleapis.com', 'app.example.com'], systemClock)
      assert.match(await handshake(authority, host), /PERMITTED_VIOLATION|permitted subtree/i)
    })
  }

  it('is the same after a restart, and its key is readable by its owner only', async () => {
    const directory = join(tempDir(), 'ca')
    const first = await openCertificateAuthority(directory, ['a.example', '*.b.example'], systemClock)
    assert.equal((await openCertificateAuthority(directory, ['*.B.example', 'a.example'], systemClock)).certificate, first.certificate)
    assert.equal(statSync(join(directory, 'ca-key.pem')).mode & 0o777, 0o600)
    assert.equal(statSync(directory).mode & 0o077, 0)
    assert.ok(!first.certificate.includes('PRIVATE') && readFileSync(join(directory, 'ca-key.pem'), 'utf8').includes('PRIVATE'))
  })

  it('is made anew for other hosts and before it ends', async () => {
    const directory = tempDir()
    const clock = manualClock()
    const first = await openCertificateAuthority(directory, ['a.example'], clock)
    const second = await openCertificateAuthority(directory, ['a.example', 'b.example'], clock)
    assert.notEqual(second.certificate, first.certificate)
    clock.advance(330 * DAY)
    assert.equal((await openCertificateAuthority(directory, ['a.example', 'b.example'], clock)).certificate, second.certificate)
    clock.advance(10 * DAY)
    assert.notEqual((await openCertificateAuthority(directory, ['a.example', 'b.example'], clock)).certificate, second.certificate)
  })

  it('can sign nothing below another authority, and no addresses', async () => {
    const { certificate } = await openCertificateAuthority(tempDir(), ['a.example'], systemClock)
    const parsed = new X509Certificate(certificate)
    assert.equal(parsed.ca, true)
    assert.ok(parsed.validToDate.getTime() - systemClock.now() <= 366 * DAY)
  })

  it('makes one leaf for each host, and a new one before it ends', async () => {
    const clock = manualClock(systemClock.now())
    const authority = await openCertificateAuthority(tempDir(), ['a.example'], clock)
    const contexts = await Promise.all(Array.from({ length: 50 }, () => authority.contextFor('a.example')))
    assert.equal(new Set(contexts).size, 1)
    clock.advance(6 * DAY)
    assert.notEqual(await authority.contextFor('a.example'), contexts[0])
  })

  it('keeps so many leaves at most', async () => {
    const authority = await openCertificateAuthority(tempDir(), ['*.a.example'], systemClock)
    const first = await authority.contextFor('h0.a.example')
    for (let at = 1; at < 500; at++) await authority.contextFor(`h${at}.a.example`)
    assert.equal(await authority.contextFor('h0.a.example'), first)
    await authority.contextFor('h500.a.example')
    assert.notEqual(await authority.contextFor('h0.a.example'), first)
  })
})
