import assert from 'node:assert/strict'
import { readHeaders } from './headers-secret.ts'
import { telemetryProblems, telemetrySchema } from './telemetry-schema.ts'

describe('service-kit: settings of telemetry', () => {
  it('a URL is all that is needed; a tenth of the traces is kept', () => assert.deepEqual(telemetrySchema.parse({ otlp: 'http://127.0.0.1:4318' }), { otlp: 'http://127.0.0.1:4318', sampleRatio: 0.1 }))

  for (const wrong of [{}, { otlp: 'grpc://127.0.0.1:4317' }, { otlp: 'collector:4318' }, { otlp: 'http://127.0.0.1', sampleRatio: 1.5 }, { otlp: 'http://127.0.0.1', sampleRatio: -1 }, { otlp: 'http://127.0.0.1', headers: {} }]) {
    it(`is refused: ${JSON.stringify(wrong)}`, () => assert.equal(telemetrySchema.safeParse(wrong).success, false))
  }

  const cases: readonly (readonly [string, 'real' | 'sandbox', RegExp | undefined])[] = [
    ['https://otlp.example.com', 'real', undefined], ['http://127.0.0.1:4318', 'real', undefined], ['http://[::1]:4318', 'real', undefined], ['http://localhost:4318', 'real', undefined], ['http://collector:4318', 'sandbox', undefined],
    ['http://collector:4318', 'real', /https/], ['http://10.0.0.1:4318', 'real', /https/], ['http://localhost.example.com', 'real', /https/], ['http://127.0.0.1.example.com', 'real', /https/],
    ['https://user:secret@otlp.example.com', 'real', /plain URL/], ['https://otlp.example.com/?key=secret', 'sandbox', /plain URL/], ['https://otlp.example.com/#x', 'real', /plain URL/],
  ]
  for (const [otlp, mode, why] of cases) {
    it(`${otlp} in ${mode} mode is ${why === undefined ? 'taken' : 'refused'}`, () => {
      const problems = telemetryProblems({ otlp }, mode).map(({ message }) => message).join()
      if (why === undefined) assert.equal(problems, '')
      else assert.match(problems, why)
      assert.doesNotMatch(problems, /secret/)
    })
  }

  it('headers are one a line', () => assert.deepEqual(readHeaders('Authorization: Bearer abc\nX-Scope:tenant \r\n\n'), { authorization: 'Bearer abc', 'x-scope': 'tenant' }))
  for (const wrong of ['secret', 'Bad Name: secret', 'X-A: sec\u0000ret', `X-A: ${'s'.repeat(9_000)}`, Array.from({ length: 21 }, (_, index) => `X-${index}: secret`).join('\n')]) {
    it(`what is no header is refused without a word of it: ${JSON.stringify(wrong.slice(0, 20))}`, () => assert.throws(() => readHeaders(wrong), (error: Error) => error instanceof TypeError && !error.message.includes('sec')))
  }
})
