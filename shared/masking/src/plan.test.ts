import assert from 'node:assert/strict'
import { canInspect, createMasker, detectorNames, detectorSets, maskProblems } from './index.ts'

describe('mask plans', () => {
  it('every detector and both sets make a masker', () => {
    for (const name of detectorNames) {
      assert.deepEqual(maskProblems({ detectors: [name], fields: [] }), [])
      assert.ok(!('problem' in createMasker({ detectors: [name], fields: [] })))
    }
    assert.deepEqual([...detectorSets['personal-data']].sort(), ['card', 'email', 'iban', 'phone'])
    assert.ok(detectorSets.secrets.includes('service-account-key'))
  })

  it('a single detector masks its own kind only', () => {
    const made = createMasker({ detectors: ['card'], fields: [] })
    assert.ok(!('problem' in made))
    assert.equal(made.maskText('a@b.example 4111111111111111').text, 'a@b.example [lockkeeper:masked:card]')
  })

  const WRONG: readonly (readonly [readonly string[], readonly string[], RegExp])[] = [
    [['e-mail'], [], /unknown detector "e-mail"; there are aws-key, card/], [['constructor'], [], /unknown detector/], [[''], [], /unknown detector ""/], [[], [''], /1 to 256/], [[], ['a..b'], /unexpected at character 3/], [[], ['.a'], /unexpected/], [[], ['a.'], /unexpected/],
    [[], ['a[0]'], /unexpected at character 2/], [[], ['a['], /unexpected/], [[], ['a]'], /unexpected/], [[], ['***'], /unexpected/], [[], ['a*'], /unexpected/], [[], ['a b'], /unexpected/], [[], ['a["b"'], /unexpected/], [[], ['a.["b"]'], /unexpected/], [[], ['a.[]'], /unexpected/], [[], ['a[]b'], /unexpected/], [[], ['x'.repeat(257)], /1 to 256/],
    [[], ['a.'.repeat(40) + 'a'], /more than 32/], [[], Array.from({ length: 201 }, (_, index) => `a${index}`), /more than 200/],
  ]
  for (const [detectors, fields, wanted] of WRONG) {
    it(`a plan with ${JSON.stringify([...detectors, ...fields]).slice(0, 60)} is refused with its reason`, () => {
      assert.match(maskProblems({ detectors, fields }).join('; '), wanted)
      const made = createMasker({ detectors, fields })
      assert.ok('problem' in made && wanted.test(made.problem))
    })
  }

  it('all problems are told at once', () => {
    assert.equal(maskProblems({ detectors: ['x', 'y'], fields: ['a..b', 'c'] }).length, 3)
  })

  it('many deep paths stay cheap', () => {
    const fields = Array.from({ length: 30 }, (_, index) => `**.a${index % 5}.**.b${index}.**.c`)
    const made = createMasker({ detectors: [], fields })
    assert.ok(!('problem' in made))
    let value: unknown = 1
    for (let depth = 0; depth < 90; depth++) value = { [depth % 2 === 0 ? `a${depth % 5}` : `b${depth % 30}`]: value, other: [depth] }
    const start = process.cpuUsage()
    made.maskJson(Buffer.from(JSON.stringify(Array.from({ length: 50 }, () => value))))
    assert.ok(process.cpuUsage(start).user < 2_000_000)
  })
})

describe('what can be inspected', () => {
  const ROWS: readonly (readonly [string | undefined, string | undefined, 'json' | 'text' | 'no'])[] = [
    ['application/json', undefined, 'json'], ['application/json; charset=UTF-8', 'identity', 'json'], ['APPLICATION/JSON;charset="utf-8"', '', 'json'], ['application/problem+json', undefined, 'json'], ['application/vnd.api+json; profile=x', undefined, 'json'],
    ['text/plain', undefined, 'text'], ['text/csv; header=present; charset=us-ascii', undefined, 'text'], ['text/event-stream', undefined, 'text'], ['application/x-ndjson', undefined, 'text'], ['application/xml', undefined, 'text'], ['text/html; charset=utf-8', undefined, 'text'],
    [undefined, undefined, 'no'], ['', undefined, 'no'], ['json', undefined, 'no'], ['application/json', 'gzip', 'no'], ['application/json', 'identity, br', 'no'], ['application/json; charset=utf-16', undefined, 'no'], ['application/json; charset=utf-8; charset=utf-7', undefined, 'no'], ['text/plain; charset=iso-8859-1', undefined, 'no'],
    ['application/json, text/plain', undefined, 'no'], ['application/octet-stream', undefined, 'no'], ['application/grpc', undefined, 'no'], ['application/x-protobuf', undefined, 'no'], ['multipart/mixed; boundary=x', undefined, 'no'], ['image/png', undefined, 'no'], [`application/json; x=${'y'.repeat(600)}`, undefined, 'no'],
    ['application/json; charset', undefined, 'no'], ['text/plain; charset="utf-8', undefined, 'no'], ['application/json\u0000', undefined, 'no'],
  ]
  for (const [type, encoding, wanted] of ROWS) {
    it(`invariant 9: ${JSON.stringify(type)?.slice(0, 60)} in ${JSON.stringify(encoding)} is ${wanted}`, () => { assert.equal(canInspect(type, encoding), wanted) })
  }

  it('invariant 9: with field paths, text that names its parts in another syntax is not inspected', () => {
    const plan = { fields: ['a'] }
    for (const type of ['application/x-ndjson', 'text/event-stream', 'application/xml', 'text/html', 'text/javascript']) assert.equal(canInspect(type, undefined, plan), 'no', type)
    assert.equal(canInspect('text/csv', undefined, plan), 'text')
    assert.equal(canInspect('application/json', undefined, plan), 'json')
    assert.equal(canInspect('application/xml', undefined, { fields: [] }), 'text')
  })
})
