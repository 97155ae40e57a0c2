import assert from 'node:assert/strict'
import { createCatalog } from '@lockkeeper/catalog'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { granted, openWorld, type World } from '../test/harness.ts'
import { undoWords } from './undo-words.ts'

const METHODS = ['storage.objects.delete', 'storage.buckets.patch'] as const

describe('what the agent did so far in this run', () => {
  let world: World
  beforeEach(async () => { world = await openWorld() })
  afterEach(() => world.close())
  const raise = (run: string, method: string, path: string, id = 'agent-7') => world.raise({ agent: { run, id }, call: { method, path } })
  const soFar = async (id: string): Promise<readonly string[]> => granted(await world.service().admin.show(id)).card?.soFar ?? []

  it('is counted by method and outcome, without the call itself, other runs and other agents', async () => {
    const [run, denied] = [await raise('r1', METHODS[0], '/a'), await raise('r1', METHODS[0], '/b')]
    granted(await world.decide(run, 'bo'))
    const { fence } = granted(await world.claim(run))
    await world.service().api.complete({ approval: run.id, fence, outcome: { kind: 'answered', status: 204, delivered: false } })
    granted(await world.decide(denied, 'bo', 'deny', 'no'))
    await Promise.all([raise('r2', METHODS[0], '/c'), raise('r1', METHODS[0], '/d', 'agent-8'), raise('r1', METHODS[1], '/e')])
    const shown = await raise('r1', METHODS[0], '/f')
    assert.deepEqual(await soFar(shown.id), [`2 × ${METHODS[0]}: 1 run, 1 denied`, `1 × ${METHODS[1]}: 1 waiting`])
  })

  it('is empty for the first call of a run', async () => {
    assert.deepEqual(await soFar((await raise('r9', METHODS[0], '/a')).id), [])
  })

  it('many methods are counted and not all shown', async () => {
    for (let index = 0; index < 12; index++) await raise('r1', `odd.things.do${index}`, `/${index}`)
    assert.equal((await soFar((await raise('r1', METHODS[0], '/f')).id)).at(-1), '… and 2 more methods')
  })
})

describe('whether a change can be undone', () => {
  for (const [method, wanted] of [
    ['storage.objects.delete', /restore/], ['secretmanager.projects.secrets.versions.destroy', /Cannot be undone, unless/], ['cloudresourcemanager.projects.setIamPolicy', /old bindings/],
    ['compute.disks.delete', /without a snapshot/], ['pubsub.projects.topics.publish', /subscribers get/], ['odd.things.frobnicate', /not known; take it for final/], ['storage.buckets.insert', /deleted again/], ['bigquery.tables.delete', /time travel/],
  ] as const) {
    it(`${method} has words for it`, () => assert.match(undoWords({ method, change: true }) ?? '', wanted))
  }

  it('what changes nothing needs none', () => assert.equal(undoWords({ method: 'storage.buckets.get', change: false }), undefined))

  it('every deletion that the catalog knows is either named or taken for final', async () => {
    const catalog = createCatalog()
    await catalog.load()
    const deletions = [...catalog.methods()].filter(({ id, change }) => change && id.endsWith('.delete'))
    assert.ok(deletions.length > 50)
    for (const { id, change } of deletions) assert.match(undoWords({ method: id, change }) ?? '', /undone|undelete|lost|made again|written again/, id)
  })
})
