import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import type { Call } from '@lockkeeper/domain'
import { LockkeeperError } from '@lockkeeper/domain/errors'
import type { CredentialSource } from '@lockkeeper/domain/ports'
import { aCall, aMethod, manualClock } from '@lockkeeper/testkit'
import { createCredentialSource, type CredentialSettings } from './create-credential-source.ts'
import { boundaryRules, startFakeGoogle, usualAnswer, withEnvironment, type FakeGoogle, type Seen } from './testing/fake-google.ts'

const TARGET = 'agents@proj.iam.gserviceaccount.com'
const get = (bucket: string, object = 'o'): Call => aCall({ method: aMethod(), host: 'storage.googleapis.com', arguments: {}, resources: [`//storage.googleapis.com/projects/_/buckets/${bucket}/objects/${object}`] })
const listBuckets = aCall({ method: aMethod({ id: 'storage.buckets.list' }), host: 'storage.googleapis.com', resources: [] })

describe('google-auth: downscoped credentials', () => {
  let google: FakeGoogle
  let clock = manualClock()
  let failures: LockkeeperError[] = []
  let whole: string[] = []

  const onCompute = <T>(work: () => Promise<T>): Promise<T> => withEnvironment({
    GOOGLE_APPLICATION_CREDENTIALS: undefined, google_application_credentials: undefined, CLOUDSDK_CONFIG: '/nonexistent', GOOGLE_CLOUD_QUOTA_PROJECT: undefined,
    METADATA_SERVER_DETECTION: 'assume-present', GCE_METADATA_HOST: google.origin.replace('http://', ''), GCE_METADATA_IP: undefined,
  }, work)
  const create = (settings: CredentialSettings): CredentialSource => createCredentialSource(settings, {
    clock, fetch: google.fetch, endpoints: { iamCredentials: google.origin }, environment: {}, onFailure: (error) => failures.push(error), onWhole: (call, why) => whole.push(`${call.method.id}: ${why}`),
  })
  const exchanges = (): readonly Seen[] => google.seen.filter(({ path }) => path === '/v1/token')
  const refused = async (source: CredentialSource, call: Call): Promise<LockkeeperError> => {
    const error = await Promise.resolve(source.authorization(call)).then(() => assert.fail('a credential came'), (reason: unknown) => reason)
    assert.ok(error instanceof LockkeeperError && error.reason === 'CREDENTIAL_UNAVAILABLE', inspect(error))
    assert.ok(!inspect(error, { depth: 9, showHidden: true }).includes('CANARY'), 'the error holds a credential')
    return error
  }

  beforeEach(async () => {
    google = await startFakeGoogle()
    clock = manualClock(Date.now())
    google.now = () => clock.now()
    failures = []
    whole = []
  })
  afterEach(() => google.close())

  const kinds: Readonly<Record<string, readonly [CredentialSettings, RegExp]>> = {
    adc: [{ kind: 'adc', downscope: true }, /^ya29\.CANARY-metadata-/],
    impersonate: [{ kind: 'impersonate', targetPrincipal: TARGET, downscope: true }, /^ya29\.CANARY-impersonated-/],
  }
  for (const [kind, [settings, subject]] of Object.entries(kinds)) {
    it(`${kind}: a call of one bucket carries a token that is exchanged for that bucket alone`, () => onCompute(async () => {
      const source = create(settings)
      const header = await source.authorization(get('dev'))
      assert.match(String(header), /^Bearer ya29\.CANARY-narrow-/)
      assert.equal(source.authorization(get('dev', 'other')), header)
      const [exchange] = exchanges()
      assert.match(new URLSearchParams(exchange?.body).get('subject_token') ?? '', subject)
      assert.deepEqual(boundaryRules(exchange?.body ?? ''), [{ availableResource: '//storage.googleapis.com/projects/_/buckets/dev', availablePermissions: ['inRole:roles/storage.objectViewer'] }])
      assert.equal(exchanges().length, 1)
      assert.notEqual(source.principal, 'none')
    }))
  }

  it('another bucket, and another use of the same, have tokens of their own; the whole one is fetched once', () => onCompute(async () => {
    const source = create({ kind: 'adc', downscope: true })
    const calls = [get('dev'), get('prod'), { ...get('dev'), method: aMethod({ id: 'storage.objects.delete' }) }]
    const headers = await Promise.all(calls.map((call) => source.authorization(call)))
    assert.equal(new Set(headers).size, 3)
    assert.equal(google.seen.filter(({ path }) => path.includes('/default/token')).length, 1)
  }))

  it('with `object` each object has its own', () => onCompute(async () => {
    const source = create({ kind: 'adc', downscope: 'object' })
    assert.notEqual(await source.authorization(get('dev', 'a')), await source.authorization(get('dev', 'b')))
    assert.deepEqual(exchanges().map(({ body }) => boundaryRules(body)[0]?.availabilityCondition?.expression), ['a', 'b'].map((name) => `resource.name.startsWith('projects/_/buckets/dev/objects/${name}')`))
  }))

  it('calls that come together wait for one exchange', () => onCompute(async () => {
    const source = create({ kind: 'adc', downscope: true })
    const headers = await Promise.all([1, 2, 3].map(() => source.authorization(get('dev'))))
    assert.equal(new Set(headers).size, 1)
    assert.equal(exchanges().length, 1)
  }))

  it('a call for which no boundary can be drawn carries the whole credential, and that is told', () => onCompute(async () => {
    const source = create({ kind: 'adc', downscope: true })
    assert.match(String(await source.authorization(listBuckets)), /^Bearer ya29\.CANARY-metadata-/)
    assert.deepEqual(whole, ['storage.buckets.list: the call names no bucket, or too many'])
    assert.equal(exchanges().length, 0)
  }))

  it('how far a credential reaches is told as it is: the narrowest that the boundary says for every bucket, or all', () => {
    const buckets = get('dev', 'a').resources.concat(get('prod', 'b').resources)
    const many = Array.from({ length: 7 }, (_, index) => get('prod', `o${index}`).resources).flat()
    const wanted: readonly (readonly [CredentialSettings['kind'], boolean | 'object', Call, string])[] = [
      ['adc', true, get('dev'), 'bucket'], ['adc', 'object', get('dev'), 'object'], ['adc', 'object', { ...get('dev'), resources: buckets }, 'object'],
      ['adc', 'object', { ...get('dev'), resources: [...get('dev').resources, ...many] }, 'bucket'], ['adc', true, listBuckets, 'whole'], ['adc', 'object', listBuckets, 'whole'],
      ['impersonate', true, get('dev'), 'bucket'],
    ]
    assert.deepEqual(wanted.map(([kind, downscope, call]) => create({ kind, targetPrincipal: TARGET, downscope } as CredentialSettings).reach?.(call)), wanted.map(([, , , reach]) => reach))
    assert.equal(create({ kind: 'adc' }).reach, undefined)
  })

  it('without the setting nothing is exchanged', () => onCompute(async () => {
    assert.match(String(await create({ kind: 'adc' }).authorization(get('dev'))), /^Bearer ya29\.CANARY-metadata-/)
    assert.equal(exchanges().length, 0)
  }))

  it('a narrow token ends with the whole one that it was made of', () => onCompute(async () => {
    google.override = (seen, response) => {
      if (seen.path !== '/v1/token') return usualAnswer(google, seen, response)
      // As for accounts that are no service accounts: no life is told.
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ access_token: `ya29.CANARY-narrow-${google.seen.length}`, token_type: 'Bearer', issued_token_type: 'x' }))
    }
    const source = create({ kind: 'impersonate', targetPrincipal: TARGET, lifetimeSeconds: 300, downscope: true })
    const header = await source.authorization(get('dev'))
    clock.advance(300_000)
    const later = source.authorization(get('dev'))
    assert.ok(later instanceof Promise)
    assert.notEqual(await later, header)
  }))

  it('five hundred boundaries are kept; the one that was not used for longest goes', () => onCompute(async () => {
    const source = create({ kind: 'adc', downscope: true })
    await Promise.all(Array.from({ length: 500 }, (_, index) => source.authorization(get(`b${index}`))))
    assert.equal(typeof source.authorization(get('b0')), 'string')
    await source.authorization(get('b500'))
    assert.equal(typeof source.authorization(get('b0')), 'string')
    const forgotten = source.authorization(get('b1'))
    assert.ok(forgotten instanceof Promise)
    await forgotten
  }))

  describe('invariant 10: without a narrow token there is none at all', () => {
    const answers: Readonly<Record<string, readonly [number, unknown]>> = {
      'an outage': [503, 'CANARY is no JSON'],
      'a refusal': [400, { error: 'invalid_grant', error_description: 'ya29.CANARY is not allowed' }],
      'no token': [200, { token_type: 'Bearer' }],
      'no JSON': [200, 'ya29.CANARY'],
      'a redirect': [302, {}],
      'a token that has ended': [200, { access_token: 'ya29.CANARY', expires_in: -10 }],
    }
    for (const [what, [status, body]] of Object.entries(answers)) {
      it(`${what} is CREDENTIAL_UNAVAILABLE, asked once and told once, with no credential in the error`, () => onCompute(async () => {
        google.override = (seen, response) => {
          if (seen.path !== '/v1/token') return usualAnswer(google, seen, response)
          response.writeHead(status, { location: '/elsewhere', 'content-type': 'application/json' }).end(typeof body === 'string' ? body : JSON.stringify(body))
        }
        const source = create({ kind: 'adc', downscope: true })
        await refused(source, get('dev'))
        await refused(source, get('dev'))
        assert.equal(exchanges().length, 1)
        assert.equal(failures.length, 1)
        assert.ok(!google.seen.some(({ path }) => path === '/elsewhere'))
      }))
    }

    it('the same token again is no narrower one', () => onCompute(async () => {
      google.override = (seen, response) => {
        if (seen.path !== '/v1/token') return usualAnswer(google, seen, response)
        response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ access_token: new URLSearchParams(seen.body).get('subject_token'), expires_in: 3600 }))
      }
      await refused(create({ kind: 'adc', downscope: true }), get('dev'))
    }))

    it('an outage of the whole credential is one too, told once for all boundaries', () => withEnvironment({ GOOGLE_APPLICATION_CREDENTIALS: '/nonexistent' }, async () => {
      const source = create({ kind: 'adc', downscope: true })
      await Promise.all(['dev', 'prod'].map((bucket) => refused(source, get(bucket))))
      assert.equal(failures.length, 1)
    }))
  })

  it('invariant 3: nothing that a source shows of itself holds a credential', () => onCompute(async () => {
    const source = create({ kind: 'adc', downscope: 'object' })
    await source.authorization(get('dev'))
    assert.ok(!inspect(source, { depth: 9, showHidden: true, getters: true }).includes('CANARY'))
  }))

  it('a downscope of another kind stops the start', () => {
    assert.throws(() => create({ kind: 'adc', downscope: 'project' as 'object' }), { name: 'TypeError', message: /downscope/ })
  })

  it('a chain of delegates is sent in full names, in order, and the account at its end is the principal', () => onCompute(async () => {
    const source = create({ kind: 'impersonate', targetPrincipal: TARGET, delegates: ['first@proj.iam.gserviceaccount.com', 'second@proj.iam.gserviceaccount.com'], downscope: true })
    await source.authorization(get('dev'))
    const asked = google.seen.find(({ path }) => path.includes(':generateAccessToken'))
    assert.equal(asked?.path, `/v1/projects/-/serviceAccounts/${TARGET}:generateAccessToken`)
    assert.deepEqual((JSON.parse(asked.body) as { delegates: unknown }).delegates, ['projects/-/serviceAccounts/first@proj.iam.gserviceaccount.com', 'projects/-/serviceAccounts/second@proj.iam.gserviceaccount.com'])
    assert.equal(source.principal, TARGET)
  }))
})
