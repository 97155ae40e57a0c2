import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createCatalog } from '@lockkeeper/catalog'
import type { Method } from '@lockkeeper/domain'
import { tempDir } from '@lockkeeper/testkit'
import { checkFolder, createClassify, explainFolder, formatProblem, testFolder, type TestOptions } from './service.ts'

const POLICY = `apiVersion: lockkeeper.dev/v1
kind: Policy
metadata: { name: dev, owner: platform }
agents: ['repo:acme/*']
rules:
  - name: read-dev
    methods: [storage.objects.get]
    resources: ['//storage.googleapis.com/projects/_/buckets/dev-*/**']
    effect: allow
    mask: [secrets]
  - name: office-hours
    methods: [storage.buckets.patch]
    when: time.hour >= 8 && time.hour < 18 && call.body.versioning.enabled == true
    effect: allow
  - name: grants
    methods: ['*.setIamPolicy']
    when: call.iam.addedMembers.all(m, m.startsWith("group:")) && call.iam.removedMembers.size() == 0
    effect: approve
`
const cases = (...list: readonly string[]) => `apiVersion: lockkeeper.dev/v1\nkind: PolicyCases\ncases:\n${list.map((each) => `  - ${each}\n`).join('')}`
const AGENT = 'agent: { issuer: github, id: acme/shop }'

describe('policy check, test and explain', () => {
  let options: TestOptions
  before(async () => {
    const catalog = createCatalog()
    await catalog.load(['storage.googleapis.com'])
    options = { methods: [...catalog.methods()], classify: createClassify(catalog) }
  })

  function folder(files: Readonly<Record<string, string>>): string {
    const directory = tempDir()
    for (const [file, text] of Object.entries(files)) writeFileSync(join(directory, file), text)
    return directory
  }
  const results = async (...list: readonly string[]) => {
    const tested = await testFolder(folder({ 'dev.yaml': POLICY, 'dev.cases.yaml': cases(...list) }), options)
    assert.deepEqual(tested.problems.map(formatProblem), [])
    return tested.results.map(({ ok, why }) => ok ? 'ok' : why)
  }

  it('a case says whether effect, rule and mask are those that were wanted, and what else came', async () => {
    const read = 'call: { method: storage.objects.get, resources: [//storage.googleapis.com/projects/_/buckets/dev-a/objects/x] }'
    assert.deepEqual(await results(
      `{ description: a, ${AGENT}, ${read}, want: { effect: allow, rule: dev/read-dev, mask: [secrets] } }`,
      `{ description: b, ${AGENT}, ${read}, want: { effect: deny } }`,
      `{ description: c, ${AGENT}, ${read}, want: { effect: allow, rule: dev/other } }`,
      `{ description: d, ${AGENT}, ${read}, want: { effect: allow, mask: [] } }`,
      `{ description: e, agent: { issuer: github, id: other/shop }, ${read}, want: { effect: deny, rule: builtin/no-rule } }`,
      `{ description: f, ${AGENT}, call: { method: storage.objects.gett }, want: { effect: deny } }`,
    ), ['ok', 'wanted deny, got allow by dev/read-dev', 'wanted rule dev/other, got dev/read-dev', 'wanted mask [], got [secrets]', 'ok', 'no method is called storage.objects.gett'])
  })

  it('a curl line means what it means at the doors', async () => {
    const curl = (line: string, effect: string) => `{ description: x, ${AGENT}, call: { curl: "curl ${line}" }, want: { effect: ${effect} } }`
    assert.deepEqual(await results(
      curl('https://storage.googleapis.com/storage/v1/b/dev-a/o/x?alt=media', 'allow'), curl('https://gw.example/storage.googleapis.com/storage/v1/b/dev-a/o/x', 'allow'),
      curl('https://storage.googleapis.com/storage/v1/b/prod/o/x', 'deny'), curl('https://reports.example/x', 'deny'),
    ), ['ok', 'ok', 'ok', 'ok'])
    const [ambiguous] = await results(curl('https://storage.googleapis.com/storage/v1/b/dev-a/../prod/o/x', 'deny'))
    assert.match(ambiguous ?? '', /refuses the call before policy is asked: REQUEST_AMBIGUOUS/)
  })

  it('a curl line carries what policies see of its headers and of its body', async () => {
    const rules = `rules:
  - name: billed
    methods: [storage.buckets.list]
    when: call.args["header.X-Goog-User-Project"] == "shop"
    effect: allow
  - name: named
    methods: [storage.buckets.insert]
    resources: ['//storage.googleapis.com/projects/_/buckets/dev-*', '//cloudresourcemanager.googleapis.com/projects/shop']
    effect: allow
`
    const buckets = 'https://storage.googleapis.com/storage/v1/b?project=shop'
    const one = (line: string, effect: string) => `{ description: x, ${AGENT}, call: { curl: ${JSON.stringify(`curl ${line} ${buckets}`)} }, want: { effect: ${effect} } }`
    const tested = await testFolder(folder({
      'dev.yaml': POLICY.replace(/rules:[^]*/, rules),
      'dev.cases.yaml': cases(one('-H "X-Goog-User-Project: shop"', 'allow'), one('-H "X-Goog-User-Project: other"', 'deny'), one('', 'deny'), one('-d \'{"name":"dev-a"}\'', 'allow'), one('-d \'{"name":"prod"}\'', 'deny')),
    }), options)
    assert.deepEqual([tested.problems, tested.results.map(({ ok, why }) => ok ? 'ok' : why)], [[], ['ok', 'ok', 'ok', 'ok', 'ok']])
  })

  it('a case can say when it is, what the body holds and what an IAM change adds', async () => {
    const patch = (at: string, body: string, effect: string) => `{ description: x, ${AGENT}, at: "${at}", call: { method: storage.buckets.patch, body: ${body} }, want: { effect: ${effect} } }`
    const grant = (rest: string, effect: string) => `{ description: x, ${AGENT}, call: { method: storage.buckets.setIamPolicy, ${rest} }, want: { effect: ${effect} } }`
    assert.deepEqual(await results(
      patch('2026-11-24T09:00:00Z', '{ versioning: { enabled: true } }', 'allow'), patch('2026-11-24T19:00:00Z', '{ versioning: { enabled: true } }', 'deny'), patch('2026-11-24T09:00:00Z', '{}', 'deny'),
      grant('body: { bindings: [{ role: r, members: ["group:a@b.c"] }] }', 'approve'), grant('body: { bindings: [{ role: r, members: ["user:a@b.c"] }] }', 'deny'),
      grant('iam: { removed: [{ role: r, member: "group:a@b.c" }] }', 'deny'), grant('iam: { known: false }', 'approve'),
    ), ['ok', 'ok', 'ok', 'ok', 'ok', 'ok', 'ok'])
  })

  const problems: readonly (readonly [string, Readonly<Record<string, string>>, RegExp])[] = [
    ['no cases', { 'dev.yaml': POLICY }, /no cases/],
    ['a case of another form', { 'dev.yaml': POLICY, 'dev.cases.yaml': cases(`{ description: x, ${AGENT}, call: { method: a }, want: { effekt: deny } }`) }, /^dev\.cases\.yaml:4:\d+: cases\[0\]\.want/],
    ['cases that are no YAML', { 'dev.yaml': POLICY, 'dev.cases.yaml': 'cases: [' }, /^dev\.cases\.yaml:1:/],
    ['a policy that is not sound', { 'dev.yaml': POLICY.replace('effect: approve', 'effect: ask'), 'dev.cases.yaml': cases(`{ description: x, ${AGENT}, call: { method: a }, want: { effect: deny } }`) }, /^dev\.yaml:18:13: rules\[2\]\.effect/],
  ]
  for (const [title, files, pattern] of problems) {
    it(`${title} is a problem and runs nothing`, async () => {
      const tested = await testFolder(folder(files), options)
      assert.deepEqual(tested.results, [])
      assert.match(tested.problems.map(formatProblem).join('\n'), pattern)
    })
  }

  it('policies in a folder within the folder are a problem, not overlooked', async () => {
    const directory = folder({ 'dev.yaml': POLICY, 'README.md': 'text' })
    mkdirSync(join(directory, 'more'))
    writeFileSync(join(directory, 'more', 'x.yaml'), POLICY)
    assert.match((await checkFolder(directory, options)).problems.map(formatProblem).join(), /^more:1:1: policies in folders/)
  })

  it('a file that is not UTF-8, or not there, is a problem', async () => {
    const directory = folder({ 'dev.yaml': POLICY })
    writeFileSync(join(directory, 'bad.yaml'), Buffer.from([0x61, 0xff]))
    assert.match((await checkFolder(directory, options)).problems.map(formatProblem).join(), /bad\.yaml:1:1: the file is not UTF-8/)
    assert.match((await checkFolder(join(directory, 'nowhere'), options)).problems.map(formatProblem).join(), /cannot be read \(ENOENT\)/)
  })

  it('a getter that is masked for agents who may set is a warning at the rule that masks', async () => {
    const text = POLICY.replace('methods: [storage.objects.get]', 'methods: [storage.objects.get, storage.buckets.getIamPolicy]')
    const { problems: found, warnings } = await checkFolder(folder({ 'dev.yaml': text }), options)
    assert.deepEqual(found, [])
    assert.match(warnings.map(formatProblem).join('\n'), /^dev\.yaml:7:14: rules\[0\]\.methods: masks what storage\.buckets\.getIamPolicy reads, while storage\.buckets\.setIamPolicy may be called/)
  })

  it('masks are checked by the function that is given', async () => {
    const maskProblems = ({ detectors }: { readonly detectors: readonly string[] }) => detectors.includes('secrets') ? ['no such detector'] : []
    assert.match((await checkFolder(folder({ 'dev.yaml': POLICY }), { ...options, maskProblems })).problems.map(formatProblem).join(), /dev\.yaml:10:11: rules\[0\]\.mask: no such detector/)
  })

  it('an explanation of a folder tells every rule', async () => {
    const explained = await explainFolder(folder({ 'dev.yaml': POLICY }), { agent: { issuer: 'github', id: 'acme/x' }, call: { curl: 'curl https://storage.googleapis.com/storage/v1/b/prod/o/x' } }, options)
    if (!('rules' in explained)) assert.fail(JSON.stringify(explained))
    assert.deepEqual(explained.rules.map(({ outcome }) => outcome), ['resource', 'method', 'method'])
    assert.equal(explained.decision.wouldAllow, 'storage.objects.get on //storage.googleapis.com/projects/_/buckets/dev-*/**: rule dev/read-dev allows it.')
  })

  it('an id names its newest version, id@version the other', async () => {
    const twice: readonly Method[] = ['v1', 'v3', 'v2'].map((version) => ({ ...options.methods[0] as Method, id: 'x.get', version, risk: version === 'v3' ? 'critical' as const : 'read' as const }))
    const explain = (method: string) => explainFolder(folder({ 'dev.yaml': POLICY.replace(/rules:[^]*/, 'rules:\n  - { name: a, methods: ["class:critical"], effect: allow }\n') }), { agent: { issuer: 'github', id: 'acme/x' }, call: { method } }, { ...options, methods: twice })
    assert.equal((await explain('x.get') as { decision: { effect: string } }).decision.effect, 'allow')
    assert.equal((await explain('x.get@v2') as { decision: { effect: string } }).decision.effect, 'deny')
  })
})
