import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { CURRENT_ID, policies, TARGETS_ID, type SignedTargetsPointer } from '@lockkeeper/policy-engine'
import type { PolicySettings } from './service.ts'
import { AGENT, callOf, openWorld, policyYaml, targetsYaml, type World } from './testing/world.ts'

const FILES = { 'a.yaml': policyYaml('a', 'allow'), 'targets.yaml': targetsYaml(['google', '*.googleapis.com']) }

describe('published targets', () => {
  let world: World
  const names = () => world.targets.current()?.map(({ name }) => name)
  const open = async (files: Readonly<Record<string, string>>, settings: PolicySettings = {}) => {
    world = await openWorld(files, settings)
    await world.service.start()
  }
  afterEach(() => world.close())

  it('a targets.yaml beside the policies is in force at every reader, with a fact that names what changed', async () => {
    await open(FILES)
    await world.targets.ready
    assert.deepEqual(names(), ['google'])
    const from = performance.now()
    world.write('targets.yaml', targetsYaml(['google', 'storage.googleapis.com'], ['app', 'app.example.com']))
    await world.targetSets.count(2)
    assert.ok(performance.now() - from < 1_000)
    const facts = (await world.facts.count(3)).filter(({ type }) => type === 'target.changed').map(({ data }) => data as Readonly<Record<string, unknown>>)
    assert.deepEqual(facts.map(({ added, removed, changed, by, targets }) => ({ added, removed, changed, by, targets })), [
      { added: ['google'], removed: [], changed: [], by: 'ann', targets: 1 }, { added: ['app'], removed: [], changed: ['google'], by: 'ann', targets: 2 },
    ])
  })

  it('a change of policies alone leaves the targets as they are', async () => {
    await open(FILES)
    await world.targets.ready
    world.write('a.yaml', policyYaml('a', 'deny'))
    await world.inForce.count(2)
    assert.equal(world.service.status().targets?.sequence, 1)
  })

  it('targets with problems leave policies and targets as they were, and say where', async () => {
    await open(FILES)
    await world.targets.ready
    world.write('a.yaml', policyYaml('a', 'deny'))
    world.write('targets.yaml', targetsYaml(['google', 'Not A Host']))
    await world.service.scan()
    assert.match(world.service.status().problems[0]?.message ?? '', /host name/)
    assert.equal(world.service.status().problems[0]?.line, 4)
    assert.deepEqual(names(), ['google'])
  })

  it('without a targets.yaml those that were published stay', async () => {
    await open(FILES)
    await world.targets.ready
    rmSync(join(world.folder, 'targets.yaml'))
    await world.service.scan()
    assert.deepEqual(world.service.status().problems, [])
    assert.deepEqual(names(), ['google'])
  })

  it('a forged pointer is not obeyed, and the sound one comes back by itself', async () => {
    await open(FILES)
    await world.targets.ready
    const sound = world.service.status().targets as SignedTargetsPointer
    const ref = { collection: policies, id: TARGETS_ID }
    await world.store.documents.transact([ref], () => ({ writes: [{ kind: 'put', ref, data: { ...sound, sequence: 99, version: 'f'.repeat(64) } }], facts: [], result: true }))
    assert.match(world.targets.problem() ?? '', /not sound/)
    await world.service.scan()
    await world.targetSets.count(2)
    assert.equal(world.targets.problem(), undefined)
    assert.deepEqual(names(), ['google'])
  })

  for (const [title, id] of [['targets', TARGETS_ID], ['bundle', CURRENT_ID]] as const) {
    it(`a pointer to the ${title} that was removed, or put back to an older one, comes back as one that every reader takes`, async () => {
      await open(FILES)
      await Promise.all([world.targets.ready, world.reader.ready])
      const ref = { collection: policies, id }
      const [first] = await world.store.documents.read([ref])
      world.write('targets.yaml', targetsYaml(['google', 'storage.googleapis.com']))
      world.write('a.yaml', policyYaml('a', 'deny'))
      await world.service.scan()
      await Promise.all([world.targets.refresh(), world.reader.refresh()])
      for (const write of [{ kind: 'delete', ref } as const, { kind: 'put', ref, data: first?.data as SignedTargetsPointer } as const]) {
        await world.store.documents.transact([ref], () => ({ writes: [write], facts: [], result: true }))
        await world.service.scan()
        await Promise.all([world.targets.refresh(), world.reader.refresh()])
        assert.deepEqual([world.targets.problem(), world.reader.problem()], [undefined, undefined])
        assert.deepEqual(world.targets.current()?.[0]?.hosts, ['storage.googleapis.com'])
        assert.equal(world.reader.current()?.decide(AGENT, callOf('storage.objects.get')).effect, 'deny')
      }
    })
  }

  const places: readonly (readonly ['required' | 'refused', Readonly<Record<string, string>>, RegExp])[] = [
    ['required', { 'a.yaml': policyYaml('a', 'allow') }, /takes its targets from it/],
    ['refused', FILES, /own configuration already/],
  ]
  for (const [targets, files, pattern] of places) {
    it(`where they are ${targets}, a set ${targets === 'required' ? 'without' : 'with'} targets.yaml is a problem and nothing is published`, async () => {
      await open(files, { targets })
      assert.match(world.service.status().problems.map(({ message }) => message).join(), pattern)
      assert.equal(world.service.status().pointer, undefined)
    })
  }
})
