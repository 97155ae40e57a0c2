import assert from 'node:assert/strict'
import { isRefusal } from '@lockkeeper/domain/errors'
import { checkHttpPath, httpMethod, readQuery } from './http-method.ts'

describe('paths of targets that are no Google API', () => {
  for (const path of ['/', '/a', '/a/', '/a/b.c/d_e~f', '/v1/items/1:run', '/caf%C3%A9', '/a%20b', '/a%3Fb', '/a%23b', '/@me/(x)']) {
    it(`passes ${path}`, () => assert.equal(checkHttpPath(path), undefined))
  }
  const hostile = [
    '', 'a', '//', '/a//b', '/..', '/a/../b', '/a/.', '/./a', '/%2e%2e/a', '/a%2Fb', '/a%5Cb', '/a\\b', '/a%00', '/a%0d%0aX', '/%61dmin', '/%41', '/a%7E', '/a%5Fb', '/a%2Dc', '/%31', '/a%3Bb', '/a;b=c',
    '/a%252e', '/a%c0%af', '/%ff', '/a%', '/a%2', '/a%zz', '/a b', '/a"b', '/a<b', '/a{b}', '/é', '/a#b', '/a?b', '/a%7f',
  ]
  for (const path of hostile) it(`invariant 2: refuses ${JSON.stringify(path)}`, () => assert.equal(checkHttpPath(path)?.reason, 'REQUEST_AMBIGUOUS'))

  it('a path that nearly fits is refused in linear time', () => {
    const started = performance.now()
    assert.equal(checkHttpPath(`/${'a'.repeat(60_000)}"`)?.reason, 'REQUEST_AMBIGUOUS')
    assert.equal(checkHttpPath(`/${'a/'.repeat(30_000)}"`)?.reason, 'REQUEST_AMBIGUOUS')
    assert.ok(performance.now() - started < 200)
  })
})

describe('queries of targets that are no Google API', () => {
  it('are decoded once', () => assert.deepEqual({ ...readQuery('a=1&b=x+y&c=%2B&d&e=f=g') }, { a: '1', b: 'x y', c: '+', d: '', e: 'f=g' }))
  it('a name that is special to JavaScript is a name like any other', () => {
    assert.deepEqual(Object.keys(readQuery('__proto__=1') ?? {}), ['__proto__'])
    assert.equal(readQuery('__proto__=1&__proto__=2'), undefined)
  })
  for (const query of ['sql.readsOnly=true', 'header.X-Goog-User-Project=p', 'a=1&a=2', 'a=1&%61=2', 'a=1;b=2', '&', 'a=1&&b=2', '=1', 'a=%', 'a=%ff', 'a=%c0%af', 'a=%00', 'a=%0d%0a', 'a=b#c', 'a="b"', 'a=b c', 'a[]=\\']) {
    it(`invariant 2: refuses ${query}`, () => assert.equal(readQuery(query), undefined))
  }
})

describe('verbs of targets that are no Google API', () => {
  it('GET reads and POST changes', () => {
    const [get, post] = ['GET', 'POST'].map((verb) => httpMethod('app.example.com', verb))
    assert.ok(!isRefusal(get) && get?.change === false && !isRefusal(post) && post?.change === true)
  })
  for (const verb of ['', 'get', 'TRACE', 'CONNECT', 'PROPFIND', 'X'.repeat(50)]) it(`refuses ${verb}`, () => assert.ok(isRefusal(httpMethod('app.example.com', verb))))
})
