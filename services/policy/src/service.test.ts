import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { collector } from '@lockkeeper/testkit'
import { answerFaults } from '@lockkeeper/service-kit/openapi'
import express from 'express'
import { policies, type SignedPointer } from '@lockkeeper/policy-engine'
import { createPolicyService, formatProblem } from './service.ts'
import { POLICY_OPERATIONS } from './api/policy-operations.ts'
import { AGENT, callOf, openWorld, policyYaml, type World } from './testing/world.ts'

describe('policy service', () => {
  let world: World
  const effect = () => world.reader.current()?.decide(AGENT, callOf('storage.objects.get')).effect
  const open = async (files: Readonly<Record<string, string>>) => {
    world = await openWorld(files)
    await world.service.start()
    return world
  }
  afterEach(() => world.close())

  it('what the folder holds at the start is in force at every reader, with one fact', async () => {
    await open({ 'a.yaml': policyYaml('a', 'allow') })
    await world.reader.ready
    assert.equal(effect(), 'allow')
    const [fact] = await world.facts.count(1)
    const { pointer } = world.service.status()
    assert.equal(fact?.type, 'policy.published')
    assert.deepEqual(fact?.data, { version: pointer?.version, digest: pointer?.version, rules: 1, by: 'ann' })
    assert.equal(world.reader.current()?.version, pointer?.version)
  })

  it('a change of a file is in force within a second', async () => {
    await open({ 'a.yaml': policyYaml('a', 'allow') })
    await world.reader.ready
    for (const [at, wanted] of (['deny', 'approve', 'allow'] as const).entries()) {
      const start = performance.now()
      world.write('a.yaml', policyYaml('a', wanted))
      await world.inForce.count(at + 2)
      assert.equal(effect(), wanted)
      assert.ok(performance.now() - start < 1_000, `${(performance.now() - start).toFixed(0)} ms`)
    }
  })

  it('a new file and a removed file count as changes', async () => {
    await open({ 'a.yaml': policyYaml('a', 'allow') })
    await world.reader.ready
    world.write('b.yml', policyYaml('b', 'deny'))
    await world.inForce.count(2)
    assert.equal(effect(), 'deny')
    rmSync(join(world.folder, 'b.yml'))
    await world.inForce.count(3)
    assert.equal(effect(), 'allow')
  })

  it('a file written in place, in pieces, is never taken half', async () => {
    await open({ 'a.yaml': policyYaml('a', 'deny') })
    await world.reader.ready
    const text = policyYaml('a', 'allow', '  - name: important\n    methods: [storage.objects.get]\n    effect: deny\n')
    const pieces = [0.3, 0.6, 0.8, 1].map((part) => text.slice(0, Math.ceil(text.length * part)))
    for (const piece of pieces) {
      writeFileSync(join(world.folder, 'a.yaml'), piece)
      await new Promise((resolve) => { setTimeout(resolve, 15) })
    }
    await world.inForce.count(2)
    assert.equal(world.reader.current()?.rules, 2)
    assert.equal(effect(), 'deny')
  })

  const broken: readonly (readonly [string, string, RegExp])[] = [
    ['no YAML', 'rules: [', /^a\.yaml:1:/],
    ['of another form', policyYaml('a', 'permit'), /^a\.yaml:8:13: rules\[0\]\.effect: /],
    ['with a method that does not exist', policyYaml('a', 'allow', '  - name: typo\n    methods: [storage.objects.gett]\n    effect: deny\n'), /^a\.yaml:10:15: rules\[1\]\.methods\[0\]: "storage\.objects\.gett" matches no known method/],
    ['empty', '', /^a\.yaml:1:1: /],
    ['with bytes that are no text', '\u0000', /^a\.yaml:/],
  ]
  for (const [title, text, pattern] of broken) {
    it(`a file that is ${title} leaves the old policy in force, says where, and is forgotten once mended`, async () => {
      await open({ 'a.yaml': policyYaml('a', 'allow') })
      await world.reader.ready
      const before = world.service.status().pointer
      world.write('a.yaml', text)
      const [problems] = (await world.problems.until((all) => (all.at(-1)?.length ?? 0) > 0)).slice(-1)
      assert.ok(problems?.some((problem) => pattern.test(formatProblem(problem))), problems?.map(formatProblem).join('\n'))
      assert.equal(effect(), 'allow')
      assert.deepEqual(world.service.status().pointer, before)
      world.write('a.yaml', policyYaml('a', 'deny'))
      await world.inForce.count(2)
      assert.deepEqual(world.service.status().problems, [])
      assert.equal(effect(), 'deny')
    })
  }

  it('a folder that is emptied leaves the old policy in force and is a problem', async () => {
    await open({ 'a.yaml': policyYaml('a', 'allow') })
    await world.reader.ready
    rmSync(join(world.folder, 'a.yaml'))
    await world.problems.until((all) => /no policy/.test(all.at(-1)?.[0]?.message ?? ''))
    assert.equal(effect(), 'allow')
  })

  it('a folder that is broken at the start leaves what was in force before', async () => {
    await open({ 'a.yaml': policyYaml('a', 'allow') })
    await world.reader.ready
    await world.service.drain()
    world.write('a.yaml', 'nonsense')
    const service = await world.restart()
    assert.equal(service.status().problems.length > 0, true)
    assert.equal(service.status().pointer?.sequence, 1)
    assert.equal(effect(), 'allow')
  })

  it('a restart without a change publishes nothing; an earlier state comes back as a later bundle', async () => {
    await open({ 'a.yaml': policyYaml('a', 'allow') })
    await world.reader.ready
    await world.restart()
    assert.equal(world.service.status().pointer?.sequence, 1)
    world.write('a.yaml', policyYaml('a', 'deny'))
    await world.inForce.count(2)
    world.write('a.yaml', policyYaml('a', 'allow'))
    await world.inForce.count(3)
    const { pointer } = world.service.status()
    assert.equal(pointer?.sequence, 3)
    assert.equal(world.inForce.items[0]?.version, pointer?.version)
    assert.equal(effect(), 'allow')
  })

  it('names of files and their order do not change the bundle', async () => {
    await open({ 'a.yaml': policyYaml('a', 'allow'), 'b.yaml': policyYaml('b', 'allow') })
    const version = world.service.status().pointer?.version
    rmSync(join(world.folder, 'a.yaml'))
    world.write('z.yaml', policyYaml('a', 'allow'))
    await world.service.scan()
    assert.equal(world.service.status().pointer?.version, version)
  })

  it('a forged pointer is not obeyed, and the sound one comes back by itself', async () => {
    await open({ 'a.yaml': policyYaml('a', 'deny') })
    await world.reader.ready
    const sound = world.service.status().pointer as SignedPointer
    const forged: SignedPointer = { ...sound, sequence: 99, version: 'f'.repeat(64) }
    const ref = { collection: policies, id: 'current' }
    await world.store.documents.transact([ref], () => ({ writes: [{ kind: 'put', ref, data: forged }], facts: [], result: true }))
    assert.match(world.reader.problem() ?? '', /not sound/)
    assert.equal(effect(), 'deny')
    await world.service.scan()
    await world.inForce.count(2)
    assert.ok((world.service.status().pointer?.sequence ?? 0) > 99)
    assert.equal(world.reader.problem(), undefined)
  })

  it('invariant 11: the heartbeat keeps the readers\' view young, and without it the view ages', async () => {
    await open({ 'a.yaml': policyYaml('a', 'allow') })
    await world.reader.ready
    const beats = collector<number>()
    const watch = world.store.documents.watch(policies, { name: 'live', equal: { live: true } }, (changes) => {
      for (const { doc } of changes) if (doc?.data.kind === 'heartbeat') beats.add(doc.data.beat)
    })
    await beats.count(3)
    watch.close()
    assert.ok(world.reader.age() < 500, `${world.reader.age()} ms`)
    await world.service.drain()
    const [age, at] = [world.reader.age(), performance.now()]
    await new Promise((resolve) => { setTimeout(resolve, 1_100) })
    assert.ok(Math.abs(world.reader.age() - age - (performance.now() - at)) < 50, 'no beat comes any more')
    await world.reader.refresh()
    assert.ok(world.reader.age() < 500)
  })

  it('ten thousand rules are published beside the traffic', async () => {
    await open({ 'a.yaml': policyYaml('a', 'allow') })
    await world.reader.ready
    const delays = monitorEventLoopDelay({ resolution: 5 })
    delays.enable()
    const rules = Array.from({ length: 10_000 }, (_, at) => `  - name: r${at}\n    methods: [storage.objects.get]\n    resources: ['//storage.googleapis.com/projects/_/buckets/team-${at}-*/**']\n    effect: allow\n    mask: [secrets]\n`)
    world.write('a.yaml', policyYaml('a', 'approve', rules.join('')))
    await world.inForce.count(2, 20_000)
    delays.disable()
    assert.equal(world.reader.current()?.rules, 10_001)
    assert.ok(delays.percentile(99) / 1e6 < 100 && delays.max / 1e6 < 500, `99 %: ${(delays.percentile(99) / 1e6).toFixed(0)} ms, most: ${(delays.max / 1e6).toFixed(0)} ms`)
  }).timeout(30_000)

  it('settings that are not sound are our own mistake', () => {
    assert.throws(() => createPolicyService({} as never, { folder: '' }), TypeError)
    assert.throws(() => createPolicyService({} as never, { folder: 'x', poll: 1 } as never), /poll/)
  })

  describe('HTTP', () => {
    let server: Server
    const ask = async (path: string, body?: unknown, type = 'application/json') => {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`
      const response = await fetch(url, body === undefined ? {} : { method: 'POST', headers: { 'content-type': type }, body: typeof body === 'string' ? body : JSON.stringify(body) })
      const [answered, text] = [response.headers.get('content-type') ?? '', await response.text()]
      assert.deepEqual(answerFaults(POLICY_OPERATIONS, [], { method: body === undefined ? 'GET' : 'POST', path, status: response.status, type: answered, body: text }), [])
      return { status: response.status, type: answered, body: JSON.parse(text) as Readonly<Record<string, unknown>> }
    }
    beforeEach(async () => {
      await open({ 'a.yaml': policyYaml('a', 'allow') })
      server = createServer(express().use(world.service.routes))
      await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve) })
    })
    afterEach(() => new Promise((resolve) => {
      server.closeAllConnections()
      server.close(resolve)
    }))

    it('the bundle in force is told', async () => {
      const { status, body } = await ask('/v1/policy/current')
      assert.equal(status, 200)
      assert.equal((body.pointer as { version: string }).version, world.service.status().pointer?.version)
    })

    it('a check tells problems with their places and publishes nothing', async () => {
      const { body } = await ask('/v1/policy/check', { files: { 'x.yaml': policyYaml('x', 'permit') } })
      assert.deepEqual((body.problems as { file: string, line: number }[]).map(({ file, line }) => [file, line]), [['x.yaml', 8]])
      assert.equal(world.service.status().pointer?.sequence, 1)
    })

    it('an explanation tells every rule', async () => {
      const { body } = await ask('/v1/policy/explain', { agent: { issuer: 'github', id: 'x' }, call: { method: 'storage.objects.get' } })
      assert.deepEqual((body.rules as { rule: string, outcome: string }[]).map(({ rule, outcome }) => [rule, outcome]), [['a/all', 'matched']])
    })

    const refused: readonly (readonly [string, string, unknown, string, number])[] = [
      ['a body that is no JSON', '/v1/policy/check', '{', 'application/json', 400], ['an unknown member', '/v1/policy/check', { files: {}, x: 1 }, 'application/json', 400],
      ['no body', '/v1/policy/explain', '', 'text/plain', 400], ['an unknown method', '/v1/policy/explain', { agent: { issuer: 'x', id: 'x' }, call: { method: 'nope' } }, 'application/json', 400],
      ['a body that is too large', '/v1/policy/check', JSON.stringify({ files: { a: 'x'.repeat(17 * 1024 * 1024) } }), 'application/json', 413],
    ]
    for (const [title, path, body, type, wanted] of refused) {
      it(`${title} is refused as problem+json`, async () => {
        const answer = await ask(path, body, type)
        assert.equal(answer.status, wanted)
        assert.match(answer.type, /problem\+json/)
      })
    }
  })
})
