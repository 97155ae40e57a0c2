import assert from 'node:assert/strict'
import { googleErrorBody, refuse } from '@lockkeeper/domain/errors'
import { refusedOf, reporting } from './client-report.ts'

describe('a client\'s report', () => {
  const body = googleErrorBody(refuse('POLICY_DENIED', { message: 'Denied by rule a/b', metadata: { rule: 'a/b', wouldAllow: 'a read' } }))
  const wanted = { status: 403, message: 'Denied by rule a/b', reason: 'POLICY_DENIED', metadata: { rule: 'a/b', wouldAllow: 'a read' } }
  const shapes: readonly (readonly [string, object])[] = [
    ['gaxios with parsed data', { status: 403, message: 'x', response: { status: 403, data: JSON.parse(body) } }],
    ['gaxios with text', { code: 'ERR', message: 'x', response: { status: 403, data: body } }],
    ['the storage library', { code: 403, message: 'x', response: { statusCode: 403, body } }],
    ['gapic over REST: the whole body is the message', { code: 403, message: body }],
  ]
  for (const [title, error] of shapes) {
    it(`finds rule and reason in an error of ${title}`, () => { assert.deepEqual(refusedOf(error), wanted) })
  }

  const none: readonly (readonly [string, unknown])[] = [['a broken connection', Object.assign(new Error('x'), { code: 'ECONNRESET' })], ['a mistake of the client', new TypeError('x')], ['nothing', undefined], ['a text', 'x']]
  for (const [title, error] of none) {
    it(`${title} is no refusal and is passed on`, async () => {
      assert.equal(refusedOf(error), undefined)
      await assert.rejects(reporting(() => Promise.reject(error as Error)), (thrown) => thrown === error)
    })
  }

  it('a body that is no JSON leaves the library\'s message', () => {
    assert.deepEqual(refusedOf({ code: 502, message: 'Bad Gateway', response: { body: '{ broken' } }), { status: 502, message: 'Bad Gateway' })
  })
})
