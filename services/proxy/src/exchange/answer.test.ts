import assert from 'node:assert/strict'
import { createServer, get } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { createMasker, type Masker } from '@lockkeeper/masking'
import { Answer, type AnswerPlan } from './answer.ts'
import { EchoGuard } from './credential-echo.ts'

const PIECE = Buffer.from(`${JSON.stringify({ note: 'x'.repeat(32_000) })},`)

function planWith(masker: Masker | undefined): AnswerPlan {
  return {
    transform: { inspect: 'json', echo: new EchoGuard(undefined), masker }, open: undefined, instead: undefined,
    collect: 1024, keep: 0, max: Infinity, stallMs: 10_000, record: () => 'rec_x', release: () => Promise.resolve(),
  }
}

/** Pieces that were handed over in one turn before the answer asked for a pause. */
async function piecesInOneTurn(masker: Masker | undefined): Promise<number> {
  const taken = Promise.withResolvers<number>()
  const server = createServer((_request, response) => {
    let paused = false
    const answer = new Answer({ status: 200, headers: [], contentType: 'application/json', contentEncoding: undefined, contentLength: undefined }, planWith(masker), response, { pause: () => { paused = true }, resume: () => { paused = false }, abort: () => undefined })
    answer.finished.catch(() => undefined)
    answer.write(Buffer.from(`[${PIECE.toString()}`))
    void nextTurn().then(nextTurn).then(() => {
      let pieces = 0
      for (; !paused && pieces < 200; pieces++) answer.write(PIECE)
      taken.resolve(pieces)
      response.destroy()
      answer.fail(new Error('the test is over'))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  get({ port: (server.address() as AddressInfo).port }, (response) => response.resume().on('error', () => undefined)).on('error', () => undefined)
  const pieces = await taken.promise
  await new Promise((resolve) => server.close(resolve))
  return pieces
}

describe('answer', () => {
  it('a large answer is masked in small pieces, a turn each, so that other calls get theirs', async () => {
    const masker = createMasker({ detectors: ['personal-data'], fields: [] })
    assert.ok(!('problem' in masker))
    assert.ok(await piecesInOneTurn(masker) <= 3)
  })
})
