import assert from 'node:assert/strict'
import { diffSets } from './service.ts'
import { casesYaml, METHODS, policyYaml, targetsYaml } from './testing/world.ts'

const options = { methods: METHODS }
const TIMED = 'apiVersion: lockkeeper.dev/v1\nkind: Policy\nmetadata: { name: a, owner: o }\nagents: [\'*\']\nrules:\n  - { name: all, methods: [\'*\'], effect: allow, when: time.hour < 12 }\n'

describe('what a set would change', () => {
  it('decisions are compared on the cases of both sets and on those that are given besides, each question once', async () => {
    const more = [{ file: 'more.cases.yaml', text: casesYaml('deny').replace('storage.objects.get', 'storage.buckets.delete') }]
    const { rules, decisions, cases } = await diffSets({ 'a.yaml': policyYaml('a', 'allow'), 'a.cases.yaml': casesYaml('allow') }, { 'a.yaml': policyYaml('a', 'deny'), 'b.cases.yaml': casesYaml('deny') }, options, more)
    assert.equal(cases, 2)
    assert.equal(rules.length, 1)
    assert.deepEqual(decisions.map(({ file, before, after }) => [file, before.effect, after.effect]), [['b.cases.yaml', 'allow', 'deny'], ['more.cases.yaml', 'allow', 'deny']])
  })

  it('where nothing is in force every rule is added, and what it allows was denied', async () => {
    const { rules, targets, decisions } = await diffSets({}, { 'a.yaml': policyYaml('a', 'allow'), 'a.cases.yaml': casesYaml('allow'), 'targets.yaml': targetsYaml(['g', 'g.example.com']) }, options)
    assert.deepEqual(rules.map(({ change }) => change), ['added'])
    assert.deepEqual(targets, { added: ['g'], removed: [], changed: [] })
    assert.deepEqual(decisions.map(({ before }) => before.rule), ['builtin/no-rule'])
  })

  it('a case of another time is decided at its time', async () => {
    const at = (hour: string): string => casesYaml('allow').replace('    want:', `    at: '2026-01-01T${hour}:00:00Z'\n    want:`)
    const { decisions } = await diffSets({ 'a.yaml': policyYaml('a', 'allow'), 'm.cases.yaml': at('09'), 'e.cases.yaml': at('20') }, { 'a.yaml': TIMED }, options)
    assert.deepEqual(decisions.map(({ file, after }) => [file, after.effect]), [['e.cases.yaml', 'deny']])
  })

  it('problems of either set are told, and nothing is compared', async () => {
    const { problems, rules } = await diffSets({ 'a.yaml': 'x: [' }, { 'b.yaml': policyYaml('b', 'permit') }, options)
    assert.ok(problems.some(({ file }) => file === 'a.yaml (in force)') && problems.some(({ file }) => file === 'b.yaml'))
    assert.deepEqual(rules, [])
  })
})
