import assert from 'node:assert/strict'
import { cloudEvent } from '@lockkeeper/domain/events'
import type { EventBus } from '@lockkeeper/domain/ports'
import { createServiceServer, deadLetterRoutes, type ServiceServer } from './index.ts'

const TOKEN = [{ alg: 'EdDSA' }, { iss: 'people', nonce: 'x' }, 'signature'].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
const LETTER = {
  id: 'dl_1', topic: 'decisions', subscription: 'approval-decisions', error: 'it is no decision', at: 1,
  event: cloudEvent('decision.submitted', '/console', 'e1', 1, { approval: 'apr_1', digest: 'full:x', verdict: 'approve', proof: { kind: 'idToken', token: TOKEN } }),
}

describe('service-kit: dead letters over HTTP', () => {
  let server: ServiceServer
  let origin: string
  const asked: unknown[] = []
  const events: Pick<EventBus, 'deadLetters' | 'redrive'> = {
    async deadLetters(limit) {
      asked.push(limit)
      return [LETTER]
    },
    redrive: async (id) => id === LETTER.id,
  }
  before(async () => {
    const quiet = (): void => undefined
    server = createServiceServer({ routes: [{ paths: ['/v1/events'], guard: (_request, _response, next) => next(), router: deadLetterRoutes(events) }], readiness: () => [], log: { debug: quiet, info: quiet, warn: quiet, error: quiet } })
    origin = `http://127.0.0.1:${(await server.start(0, '127.0.0.1')).port}`
  })
  after(() => server.drain(0))

  it('a list holds no token that an event carries', async () => {
    const text = await (await fetch(`${origin}/v1/events/dead?limit=7`)).text()
    const { dead } = JSON.parse(text) as { readonly dead: readonly { readonly id: string }[] }
    assert.deepEqual([dead.map(({ id }) => id), text.includes(TOKEN), asked], [['dl_1'], false, [7]])
  })

  it('a letter is redriven by its id; another one is not found', async () => {
    const redrive = async (id: string): Promise<number> => (await fetch(`${origin}/v1/events/dead/${id}/redrive`, { method: 'POST' })).status
    assert.deepEqual([await redrive('dl_1'), await redrive('dl_2')], [200, 404])
  })

  it('an odd limit or an unknown argument is refused', async () => {
    for (const query of ['limit=0', 'limit=1001', 'limit=x', 'from=1']) assert.equal((await fetch(`${origin}/v1/events/dead?${query}`)).status, 400)
  })
})
