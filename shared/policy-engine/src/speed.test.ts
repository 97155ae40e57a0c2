import assert from 'node:assert/strict'
import type { Agent, Call } from '@lockkeeper/domain'
import { compile, type Policy, type PolicyDocument, type RuleDocument } from './index.ts'
import { agent, bucket, call, document, METHODS, policyOf } from './testing/samples.ts'

/** Fastest of five runs, in ns for each decision: what the machine can do when nothing else disturbs it. */
function nsPerDecision(policy: Policy, calls: readonly (readonly [Agent, Call])[]): number {
  const rounds = Math.ceil(4_000 / calls.length)
  let best = Infinity
  for (let run = 0; run < 5; run++) {
    const start = process.hrtime.bigint()
    for (let round = 0; round < rounds; round++) for (const [who, what] of calls) policy.decide(who, what)
    best = Math.min(best, Number(process.hrtime.bigint() - start) / (rounds * calls.length))
  }
  return best
}

const rule = (name: string, extra: Partial<RuleDocument> = {}): RuleDocument => ({ name, methods: ['storage.objects.get'], effect: 'allow', ...extra })
const numbers = (length: number) => Array.from({ length }, (_, at) => at)

/** `count` rules in one shape, and calls that meet the first, the middle and the last of them. */
const SHAPES: Readonly<Record<string, (count: number) => { readonly documents: readonly PolicyDocument[], readonly calls: readonly (readonly [Agent, Call])[] }>> = {
  'places of one method': (count) => ({
    documents: [document('p', numbers(count).map((at) => rule(`r${at}`, { resources: [`${bucket(`team-${at}-*`)}/**`] })))],
    calls: [0, count >> 1, count - 1].map((at) => [agent(), call('storage.objects.get', { resources: [`${bucket(`team-${at}-x`)}/objects/o`] })]),
  }),
  'agents, a document for each': (count) => ({
    documents: numbers(count).map((at) => document(`p${at}`, [rule('r', { mask: ['secrets'] })], [`issuer:github repo:acme/r${at}`])),
    calls: [0, count >> 1, count - 1].map((at) => [agent({ id: `acme/r${at}` }), call('storage.objects.get', { resources: [bucket('x')] })]),
  }),
  'other methods': (count) => ({
    documents: [document('p', numbers(count).map((at) => rule(`r${at}`, { methods: [METHODS[at % (METHODS.length - 1)]?.id === 'storage.objects.get' ? 'storage.buckets.get' : METHODS[at % (METHODS.length - 1)]?.id ?? '*'], resources: [bucket(`b${at}`)] })).concat(rule('last')))],
    calls: [[agent(), call('storage.objects.get', { resources: [bucket('x')] })]],
  }),
  'rules that all match': (count) => ({
    documents: [document('p', numbers(count).map((at) => rule(`r${at}`, { notify: at % 2 === 0 })))],
    calls: [[agent(), call('storage.objects.get', { resources: [bucket('x')] })]],
  }),
}

describe('policy engine: speed', () => {
  for (const [shape, make] of Object.entries(SHAPES)) {
    it(`10,000 rules (${shape}) decide in at most 3 times the time of 10, and in 10 µs`, async () => {
      const [few, many] = [make(10), make(10_000)]
      const fewNs = nsPerDecision(await policyOf(few.documents), few.calls)
      const manyNs = nsPerDecision(await policyOf(many.documents), many.calls)
      assert.ok(manyNs <= Math.max(3 * fewNs, 1_500), `${manyNs.toFixed(0)} ns against ${fewNs.toFixed(0)} ns`)
      assert.ok(manyNs <= 10_000, `${manyNs.toFixed(0)} ns`)
    }).timeout(20_000)
  }

  it('compiling 10,000 rules never holds the event loop for long', async () => {
    const documents = [document('p', numbers(10_000).map((at) => rule(`r${at}`, { resources: [bucket(`b${at}-*`)], when: `call.args.n == "${at % 500}"` })))]
    let last = performance.now()
    const stretches: number[] = []
    const compiled = await compile(documents, METHODS, {
      bundle: 'b',
      slice: async () => {
        stretches.push(performance.now() - last)
        await new Promise((resolve) => { setImmediate(resolve) })
        last = performance.now()
      },
    })
    assert.ok('policy' in compiled)
    assert.equal(compiled.policy.rules, 10_000)
    const sorted = stretches.toSorted((left, right) => left - right)
    assert.ok(sorted.length > 10, `${sorted.length} slices`)
    assert.ok((sorted[Math.floor(sorted.length * 0.9)] ?? Infinity) < 50, `${sorted.at(-1)?.toFixed(1)} ms`)
  }).timeout(20_000)
})
