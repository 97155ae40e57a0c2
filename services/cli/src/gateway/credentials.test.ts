import assert from 'node:assert/strict'
import { boundaryOf, type Boundary } from '@lockkeeper/adapter-google-auth'
import { createCatalog } from '@lockkeeper/catalog'
import { isRefusal } from '@lockkeeper/domain/errors'

const HOST = 'storage.googleapis.com'

describe('gateway: narrowed credentials', () => {
  const catalog = createCatalog()
  const boundaries = new Map<string, Boundary>()

  before(async () => {
    await catalog.load([HOST])
    for (const { id, host, verb, template } of catalog.methods()) {
      if (host !== HOST) continue
      // As the catalog names what such a request means, each parameter with a value of its own.
      const path = template.replaceAll(/\{\+?(\w+)\}/g, (_, name: string) => `the-${name.toLowerCase()}`)
      const match = catalog.match({ host: HOST, verb, path, query: '' })
      if (isRefusal(match)) assert.fail(`${id}: ${match.message}`)
      boundaries.set(id, boundaryOf({ ...match, target: 'google', host: HOST, path, query: '', arguments: {}, body: { kind: 'none' } }, 'object'))
    }
  })

  it('every method that is asked of a bucket has a boundary: these have none', () => {
    const whole = [...boundaries].filter(([, { kind }]) => kind === 'whole').map(([id]) => id)
    assert.deepEqual(whole, [
      'storage.buckets.insert', 'storage.buckets.list', 'storage.buckets.restore', 'storage.channels.stop',
      ...['create', 'delete', 'get', 'list', 'update'].map((verb) => `storage.projects.hmacKeys.${verb}`), 'storage.projects.serviceAccount.get',
    ])
  })

  it('each is for the buckets of the path and for no other', () => {
    for (const [id, boundary] of boundaries) {
      if (boundary.kind === 'whole') continue
      const buckets = boundary.rules.map(({ availableResource }) => availableResource.replace('//storage.googleapis.com/projects/_/buckets/', ''))
      const expected = /^storage\.objects\.(?:copy|rewrite)$/.test(id) ? ['the-sourcebucket', 'the-destinationbucket'] : id === 'storage.objects.compose' ? ['the-destinationbucket'] : ['the-bucket']
      assert.deepEqual(buckets, expected, id)
    }
  })

  it('with `object` methods of one object are for that object', () => {
    for (const id of ['storage.objects.get', 'storage.objects.delete', 'storage.objects.patch', 'storage.objects.setIamPolicy']) {
      const boundary = boundaries.get(id)
      assert.ok(boundary?.kind === 'rules')
      assert.equal(boundary.rules[0]?.availabilityCondition?.expression, 'resource.name.startsWith(\'projects/_/buckets/the-bucket/objects/the-object\')', id)
    }
  })
})
