import assert from 'node:assert/strict'
import { createCatalog } from '@lockkeeper/catalog'
import { checkFolder, createClassify, formatProblem, starterFolder, testFolder } from './service.ts'

describe('policy starter', () => {
  it('the starter policies are sound and all their cases hold', async () => {
    const catalog = createCatalog()
    await catalog.load()
    const options = { methods: [...catalog.methods()], classify: createClassify(catalog) }
    const checked = await checkFolder(starterFolder(), options)
    assert.deepEqual(checked.problems.map(formatProblem), [])
    const { problems, results } = await testFolder(starterFolder(), options)
    assert.deepEqual(problems.map(formatProblem), [])
    assert.deepEqual(results.filter(({ ok }) => !ok).map(({ description, why }) => `${description}: ${why}`), [])
    assert.ok(results.length >= 9)
    assert.deepEqual(checked.warnings.map(formatProblem), [])
  })

  it('every method of the catalog meets a rule of the starter policies', async () => {
    const catalog = createCatalog()
    await catalog.load()
    const methods = [...catalog.methods()]
    const { policy } = await checkFolder(starterFolder(), { methods })
    const wanted = { critical: 'deny', high: 'approve', medium: 'allow', 'sensitive-read': 'approve', change: 'approve', read: 'allow' }
    const agent = { issuer: 'x', id: 'x', subject: 'x', run: 'x', chain: [], labels: {}, tokenHash: '', expiresAt: 0 }
    for (const method of methods) {
      const decision = policy?.decide(agent, { target: 'google', method, host: method.host, path: '', query: '', resources: ['//x/y'], arguments: {}, body: { kind: 'none' }, media: 'none', iam: { known: true, added: [], removed: [], auditConfigsChanged: false } })
      assert.equal(decision?.effect, method.mintsCredential ? 'deny' : wanted[method.risk], method.id)
    }
  })
})
