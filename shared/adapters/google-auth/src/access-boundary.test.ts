import assert from 'node:assert/strict'
import type { Call } from '@lockkeeper/domain'
import { aCall, aMethod } from '@lockkeeper/testkit'
import { boundaryOf, type BoundaryRule, type Granularity } from './access-boundary.ts'

const B = '//storage.googleapis.com/projects/_/buckets'
const call = (id: string, resources: readonly string[], changes: Partial<Call> = {}): Call => aCall({ method: aMethod({ id }), host: 'storage.googleapis.com', resources, arguments: {}, body: { kind: 'none' }, ...changes })
const rulesOf = (of: Call, granularity: Granularity = 'bucket'): readonly BoundaryRule[] => {
  const boundary = boundaryOf(of, granularity)
  assert.equal(boundary.kind, 'rules')
  return boundary.kind === 'rules' ? boundary.rules : []
}
const conditionOf = (of: Call): string | undefined => rulesOf(of, 'object')[0]?.availabilityCondition?.expression

describe('google-auth: access boundaries of Cloud Storage calls', () => {
  describe('a method gets what it takes, in the bucket that is named and nowhere else', () => {
    const acl = { kind: 'json', value: { acl: [] }, bytes: new Uint8Array() } as const
    const upload = (metadata: Record<string, never[] | object>): Partial<Call> => ({ body: { kind: 'media', contentType: 'text/plain', metadata: metadata as never } })
    const cases: readonly (readonly [string, Partial<Call>, readonly string[]])[] = [
      ['storage.objects.get', {}, ['storage.objectViewer']],
      ['storage.objects.get', { media: 'download' }, ['storage.objectViewer']],
      ['storage.objects.list', { arguments: { prefix: 'a' } }, ['storage.objectViewer']],
      ['storage.objects.list', { arguments: { projection: 'noAcl' } }, ['storage.objectViewer']],
      ['storage.objects.list', { arguments: { projection: 'full' } }, ['storage.objectAdmin']],
      ['storage.objects.insert', {}, ['storage.objectUser']],
      ['storage.objects.insert', { arguments: { predefinedAcl: 'publicRead' } }, ['storage.objectAdmin']],
      ['storage.objects.insert', upload({ acl: [] }), ['storage.objectAdmin']],
      ['storage.objects.insert', upload({ retention: {} }), ['storage.objectAdmin']],
      ['storage.objects.insert', upload({ metadata: { acl: [] } }), ['storage.objectUser']],
      ['storage.objects.delete', {}, ['storage.objectUser']],
      ['storage.objects.patch', {}, ['storage.objectUser']],
      ['storage.objects.patch', { body: acl }, ['storage.objectAdmin']],
      ['storage.objects.move', {}, ['storage.objectUser']],
      ['storage.objects.setIamPolicy', {}, ['storage.objectAdmin']],
      ['storage.objectAccessControls.insert', {}, ['storage.objectAdmin']],
      ['storage.folders.rename', {}, ['storage.objectUser']],
      ['storage.managedFolders.setIamPolicy', {}, ['storage.admin']],
      ['storage.buckets.get', {}, ['storage.legacyBucketReader']],
      ['storage.buckets.get', { arguments: { projection: 'full' } }, ['storage.admin']],
      ['storage.buckets.getStorageLayout', {}, ['storage.legacyBucketReader', 'storage.objectViewer']],
      ['storage.buckets.setIamPolicy', {}, ['storage.admin']],
      ['storage.buckets.delete', {}, ['storage.admin']],
      ['storage.notifications.list', {}, ['storage.admin']],
      ['storage.somethingNew.get', {}, ['storage.admin']],
    ]
    for (const [id, changes, roles] of cases) {
      it(`${id} ${JSON.stringify(changes.arguments ?? {})}: ${roles.join(', ')}`, () => {
        assert.deepEqual(rulesOf(call(id, [`${B}/dev`], changes)), [{ availableResource: `${B}/dev`, availablePermissions: roles.map((role) => `inRole:roles/${role}`) }])
      })
    }
  })

  describe('whatever lies in a bucket is in the boundary of that bucket', () => {
    const places: Readonly<Record<string, string>> = {
      'storage.bucketAccessControls.get': 'acl/allUsers', 'storage.notifications.get': 'notificationConfigs/1', 'storage.folders.get': 'folders/a/b',
      'storage.managedFolders.delete': 'managedFolders/a', 'storage.anywhereCaches.get': 'anywhereCaches/x', 'storage.objectAccessControls.patch': 'objects/o/acl/allUsers',
    }
    for (const [id, place] of Object.entries(places)) {
      it(`${id}: for the bucket, with \`object\` too`, () => {
        const [rule] = rulesOf(call(id, [`${B}/dev/${place}`]), 'object')
        assert.equal(rule?.availableResource, `${B}/dev`)
        assert.equal(rule.availabilityCondition, undefined)
      })
    }
  })

  describe('two buckets', () => {
    for (const id of ['storage.objects.copy', 'storage.objects.rewrite']) {
      it(`${id}: the source is read, the destination is written`, () => {
        assert.deepEqual(rulesOf(call(id, [`${B}/from/objects/a`, `${B}/to/objects/b`]), 'object'), [
          { availableResource: `${B}/from`, availablePermissions: ['inRole:roles/storage.objectViewer'], availabilityCondition: { expression: 'resource.name.startsWith(\'projects/_/buckets/from/objects/a\')' } },
          { availableResource: `${B}/to`, availablePermissions: ['inRole:roles/storage.objectUser'], availabilityCondition: { expression: 'resource.name.startsWith(\'projects/_/buckets/to/objects/b\')' } },
        ])
      })
    }

    it('within one bucket there is one rule, which writes', () => {
      assert.deepEqual(rulesOf(call('storage.objects.copy', [`${B}/dev/objects/a`, `${B}/dev/objects/b`])), [{ availableResource: `${B}/dev`, availablePermissions: ['inRole:roles/storage.objectUser'] }])
    })
  })

  describe('a boundary is not drawn, and it is said why, where none can express the call', () => {
    const cases: Readonly<Record<string, Call>> = {
      'a list of buckets': call('storage.buckets.list', ['//cloudresourcemanager.googleapis.com/projects/p']),
      'a new bucket': call('storage.buckets.insert', [`${B}/new`]),
      'a project\'s service account': call('storage.projects.serviceAccount.get', ['//storage.googleapis.com/projects/p']),
      'no resource': call('storage.channels.stop', []),
      'another API': aCall({ method: aMethod({ id: 'bigquery.jobs.insert', host: 'bigquery.googleapis.com' }), resources: [`${B}/dev`] }),
      'another API whose name begins alike': aCall({ method: aMethod({ id: 'storagetransfer.transferJobs.create', host: 'storagetransfer.googleapis.com' }), resources: [`${B}/dev`] }),
      'a target of its own that calls its methods so': aCall({ method: aMethod({ id: 'storage.objects.get', host: 'reports.example' }), resources: [`${B}/dev`] }),
      'eleven buckets': call('storage.objects.copy', Array.from({ length: 11 }, (_, index) => `${B}/b${index}/objects/a`)),
    }
    for (const [what, each] of Object.entries(cases)) {
      it(what, () => {
        const boundary = boundaryOf(each, 'object')
        assert.ok(boundary.kind === 'whole' && boundary.why.length > 0)
      })
    }
  })

  describe('with `object` the rule is for the names that the call says', () => {
    const names: Readonly<Record<string, readonly [string, string]>> = {
      'a plain name': ['logs/2026/a.txt', 'logs/2026/a.txt'],
      'a quote that would end the text': ['a\') || true || (\'', 'a\\U00000027) || true || (\\U00000027'],
      'a double quote': ['a"b', 'a\\U00000022b'],
      'a backslash': ['a\\', 'a\\U0000005c'],
      'a line break': ['a\nb', 'a\\U0000000ab'],
      'a letter beyond ASCII': ['ü', '\\U000000fc'],
      'a character of two units': ['😀', '\\U0001f600'],
      'a control character': ['a\u007f\u0000', 'a\\U0000007f\\U00000000'],
    }
    for (const [what, [name, written]] of Object.entries(names)) {
      it(`${what} stays inside the condition's text`, () => {
        assert.equal(conditionOf(call('storage.objects.get', [`${B}/dev/objects/${name}`])), `resource.name.startsWith('projects/_/buckets/dev/objects/${written}')`)
      })
    }

    it('a list is for the prefix that is listed, on the bucket and on the objects', () => {
      assert.equal(conditionOf(call('storage.objects.list', [`${B}/dev`], { arguments: { prefix: 'logs/' } })),
        'resource.name.startsWith(\'projects/_/buckets/dev/objects/logs/\') || api.getAttribute(\'storage.googleapis.com/objectListPrefix\', \'\').startsWith(\'logs/\')')
    })

    it('a composition is for its parts and its result', () => {
      assert.equal(conditionOf(call('storage.objects.compose', [`${B}/dev/objects/all`, `${B}/dev/objects/1`, `${B}/dev/objects/2`]))?.split(' || ').length, 3)
    })

    const whole: Readonly<Record<string, Call>> = {
      'a list without a prefix': call('storage.objects.list', [`${B}/dev`]),
      'an upload whose name is not known': call('storage.objects.insert', [`${B}/dev`]),
      'more names than a condition takes': call('storage.objects.compose', Array.from({ length: 7 }, (_, index) => `${B}/dev/objects/${index}`)),
      'a name that makes it too long': call('storage.objects.get', [`${B}/dev/objects/${'ü'.repeat(200)}`]),
    }
    for (const [what, each] of Object.entries(whole)) {
      it(`${what}: the rule is for the bucket`, () => {
        assert.equal(conditionOf(each), undefined)
        assert.equal(rulesOf(each, 'object')[0]?.availableResource, `${B}/dev`)
      })
    }
  })
})
