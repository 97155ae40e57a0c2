import assert from 'node:assert/strict'
import { anAgent, manualClock } from '@lockkeeper/testkit'
import { isRefusal } from '@lockkeeper/domain/errors'
import { createUploadSessions, type UploadSession } from './upload-sessions.ts'

const session: UploadSession = {
  target: 'google', host: 'storage.googleapis.com', method: 'storage.objects.insert', path: '/upload/storage/v1/b/b/o', query: 'uploadType=resumable&upload_id=UPSTREAM', resources: ['//storage.googleapis.com/projects/_/buckets/b'], decisionHash: 'h',
}
const here = { host: session.host, method: session.method }

describe('upload sessions', () => {
  const clock = manualClock()
  const sessions = createUploadSessions(Buffer.alloc(32, 1), clock)
  const id = sessions.seal(session, anAgent())
  const refused = (one: string, agent = anAgent(), target = 'google', at: typeof here | undefined = here, from = sessions): boolean => {
    const opened = from.open(one, agent, target, at)
    return isRefusal(opened) && opened.reason === 'SESSION_UNKNOWN'
  }

  it('the same agent and run open what was sealed, on any instance with the key', () => {
    const opened = createUploadSessions(Buffer.alloc(32, 1), clock).open(id, anAgent({ tokenHash: 'another token' }), 'google', here)
    assert.ok(!isRefusal(opened))
    assert.deepEqual([opened.path, opened.query, opened.resources, opened.decisionHash], [session.path, session.query, session.resources, 'h'])
  })

  it('invariant 3: the id shows nothing of the upstream\'s session', () => {
    assert.ok(!id.includes('UPSTREAM') && !Buffer.from(id, 'base64url').includes('UPSTREAM') && /^[\w-]+$/.test(id))
  })

  it('another agent, run, issuer, target, host or method does not open it', () => {
    assert.ok(refused(id, anAgent({ id: 'acme/other' })))
    assert.ok(refused(id, anAgent({ run: 'run-2' })))
    assert.ok(refused(id, anAgent({ issuer: 'other' })))
    assert.ok(refused(id, anAgent(), 'other'))
    assert.ok(refused(id, anAgent(), 'google', { ...here, host: 'bigquery.googleapis.com' }))
    assert.ok(refused(id, anAgent(), 'google', { ...here, method: 'bigquery.jobs.insert' }))
    assert.ok(refused(id, anAgent(), 'google', here, createUploadSessions(Buffer.alloc(32, 2), clock)))
  })

  it('every altered byte is noticed', () => {
    const bytes = Buffer.from(id, 'base64url')
    for (let at = 0; at < bytes.length; at += 7) {
      const altered = Buffer.from(bytes)
      altered[at] = (altered[at] as number) ^ 1
      assert.ok(refused(altered.toString('base64url')), `byte ${at}`)
    }
  })

  for (const [title, altered] of [['empty', ''], ['cut', id.slice(0, -3)], ['longer', `${id}AAAA`], ['with characters that a decoder skips', `${id.slice(0, 9)}!${id.slice(9)}`], ['padded', `${id}=`], ['in the other alphabet', `${id}+`], ['huge', 'A'.repeat(9000)], ['the upstream\'s own', 'UPSTREAM']] as const) {
    it(`an id that is ${title} is refused`, () => assert.ok(refused(altered)))
  }

  it('invariant 11: it ends after a day', () => {
    clock.advance(24 * 60 * 60 * 1000 - 1)
    assert.ok(!refused(id))
    clock.advance(1)
    assert.ok(refused(id))
  })

  it('a key of another length is our own mistake', () => assert.throws(() => createUploadSessions(Buffer.alloc(16), clock), TypeError))
})
