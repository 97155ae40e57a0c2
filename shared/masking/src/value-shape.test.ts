import assert from 'node:assert/strict'
import fc from 'fast-check'
import { eachBase64Run, isWholeBase64 } from './base64.ts'
import { PEM_HINT } from './detectors/pem.ts'
import { resolveDetectors } from './plan.ts'
import { BASE64, CARD, JSON_START, PHONE, shapeOf, SHAPES, TOKEN } from './value-shape.ts'

const { patterns } = resolveDetectors({ detectors: ['personal-data', 'secrets'], fields: [] })
/** What detectors look for is made of these; between them anything printable. */
const PARTS = ['0', '1', '4', '00', '123', '4111', '0123456789', ' ', '  ', '-', '.', '/', '//', '://', ':', '@', '(', ')', ') ', '+', '_', '=', '==', 'a', 'A', 'ab', 'DE', 'GB82', 'tel:', 'Tel:', 'TEL:', 'AIza', 'AQ.', 'ya29.', '1//', '4/0', 'GOCSPX-', 'eyJ', 'AKIA', 'ASIA', 'ABIA', 'ACCA', 'ghp_', 'gho_', 'github_pat_', 'xoxb', 'xapp-', 'hooks.slack.com', 'PRIVATE KEY', 'data:', '[', '{', 'user', 'Zm9vYmFyYmF6cXV4']
const printable = fc.string({ unit: fc.integer({ min: 0x20, max: 0x7e }).filter((code) => ![0x22, 0x5c, 0x25, 0x26].includes(code)).map((code) => String.fromCharCode(code)), maxLength: 6 })
const cards = fc.constantFrom('4111111111111111', '4111 1111 1111 1111', '5500-0000-0000-0004', '340000000000009', '6011000000000004', '30000000000004', '4222222222222')
const digits = fc.string({ unit: fc.constantFrom(...'0123456789 -.()/+'), maxLength: 24 })
const words = fc.string({ unit: fc.constantFrom(...'ABgz0189 -_'), maxLength: 28 })
const plain = fc.array(fc.oneof(fc.constantFrom(...PARTS), cards, printable, digits, words), { maxLength: 12 }).map((parts) => parts.join(''))

function shape(text: string, before = '"', after = '"'): number {
  const bytes = Buffer.from(before + text + after)
  return shapeOf(bytes, before.length, bytes.length - after.length)
}

describe('shape of a value', () => {
  it('invariant 9: whatever a detector could find something in has the detector\'s shape', () => {
    fc.assert(fc.property(plain, (text) => {
      const seen = shape(text)
      for (const { name, hint, find } of patterns) {
        let found = name !== 'card' && hint.test(text)
        find(text, () => { found = true })
        if (found) assert.notEqual(seen & (SHAPES[name] ?? TOKEN), 0, `${name}: ${text}`)
      }
      if (PEM_HINT.test(text)) assert.notEqual(seen & TOKEN, 0, text)
    }), { numRuns: 20_000 })
  })

  it('invariant 9: whatever may be base64 or JSON has that shape', () => {
    fc.assert(fc.property(plain, (text) => {
      let runs = isWholeBase64(text, false) ? 1 : 0
      eachBase64Run(text, () => { runs++ })
      if (runs > 0) assert.notEqual(shape(text) & BASE64, 0, text)
      if (/^\s*[[{"]/.test(text) || /^(?:data: ?)?[[{]/m.test(text)) assert.notEqual(shape(text) & JSON_START, 0, text)
    }), { numRuns: 10_000 })
  })

  it('what stands around a value in its document does not change its shape', () => {
    fc.assert(fc.property(plain, fc.constantFrom('"', '000"', 'AB1"', '://"', '1/"'), (text, before) => assert.equal(shape(text, before, '"'), shape(text, '"', '" ,"0123'))))
  })

  for (const text of ['storage#object', 'STANDARD', 'https://www.googleapis.com/storage/v1/b/bench/o/report-1.csv', '2026-11-24T08:00:00.000Z', 'bench/report-1.csv', 'text/csv; charset=utf-8', 'us-central1-a', '1700000000000000', 'bench/report.csv/1700000000000000', '41111111111111112222', 'The quick brown fox jumps over the lazy dog']) {
    it(`'${text}' is no detector's business`, () => assert.equal(shape(text) & ~BASE64, 0))
  }
  for (const [text, bit] of [['4111111111111111', CARD], ['x 4111 1111 1111 1111', CARD], ['1 4111111111111111', CARD], ['4111 1111 1111 1111', CARD], ['+49 30 1234567', PHONE], ['(415) 555-2671', PHONE]] as const) {
    it(`'${text}' is looked at further`, () => assert.notEqual(shape(text) & bit, 0))
  }
})
