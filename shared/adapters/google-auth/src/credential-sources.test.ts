import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { LockkeeperError } from '@lockkeeper/domain/errors'
import type { CredentialSource, SecretSource } from '@lockkeeper/domain/ports'
import { aCall, manualClock, tempDir } from '@lockkeeper/testkit'
import { createCredentialSource, type CredentialDeps, type CredentialSettings } from './create-credential-source.ts'
import { ADC_EMAIL, canary, idToken, serviceAccountKey, startFakeGoogle, usualAnswer, withEnvironment, type FakeGoogle } from './testing/fake-google.ts'

const TARGET = 'agents@proj.iam.gserviceaccount.com'

describe('google-auth: credential sources', () => {
  let google: FakeGoogle
  let failures: LockkeeperError[] = []
  // The library reads the wall clock itself, so these tests move on from the real time.
  let clock = manualClock()

  const deps = (extra: Partial<CredentialDeps> = {}): CredentialDeps => ({ clock, fetch: google.fetch, endpoints: { iamCredentials: google.origin }, onFailure: (error) => failures.push(error), environment: {}, ...extra })
  /** As on a machine whose only credentials are those of its metadata server. */
  const onCompute = <T>(work: () => Promise<T>): Promise<T> => withEnvironment({
    GOOGLE_APPLICATION_CREDENTIALS: undefined, google_application_credentials: undefined, CLOUDSDK_CONFIG: '/nonexistent', GOOGLE_CLOUD_QUOTA_PROJECT: undefined,
    METADATA_SERVER_DETECTION: 'assume-present', GCE_METADATA_HOST: google.origin.replace('http://', ''), GCE_METADATA_IP: undefined,
  }, work)
  const withFile = async <T>(content: unknown, work: () => Promise<T>): Promise<T> => {
    const path = join(tempDir(), 'adc.json')
    await writeFile(path, JSON.stringify(content))
    return withEnvironment({ GOOGLE_APPLICATION_CREDENTIALS: path, METADATA_SERVER_DETECTION: 'none' }, work)
  }
  const create = (settings: CredentialSettings, extra: Partial<CredentialDeps> = {}): CredentialSource => createCredentialSource(settings, deps(extra))
  const secretsOf = (value: string): SecretSource => ({ access: () => Promise.resolve({ value, version: '1' }) })
  const call = aCall({ host: 'reports-abc.a.run.app' })
  const refused = async (source: CredentialSource): Promise<LockkeeperError> => {
    const error = await Promise.resolve(source.authorization(call)).then(() => assert.fail('a credential came'), (reason: unknown) => reason)
    assert.ok(error instanceof LockkeeperError, inspect(error))
    assert.equal(error.reason, 'CREDENTIAL_UNAVAILABLE')
    assert.ok(!inspect(error, { depth: 9, showHidden: true }).includes('CANARY'), 'the error holds a credential')
    return error
  }

  beforeEach(async () => {
    google = await startFakeGoogle()
    clock = manualClock(Date.now())
    google.now = () => clock.now()
    failures = []
  })
  afterEach(() => google.close())

  it('none sends nothing and is nobody', () => {
    const source = create({ kind: 'none' })
    assert.deepEqual([source.kind, source.principal, source.authorization(call)], ['none', 'none', undefined])
  })

  describe('adc', () => {
    it('the metadata server\'s account: synchronous from the cache, principal known', () => onCompute(async () => {
      const source = create({ kind: 'adc' })
      const header = await source.authorization(call)
      assert.match(String(header), /^Bearer ya29\.CANARY-metadata-/)
      assert.equal(source.authorization(call), header)
      assert.equal(source.principal, ADC_EMAIL)
      assert.ok(google.seen.every(({ flavor }) => flavor === 'Google'))
    }))

    it('a token is renewed although the library would keep its own', () => onCompute(async () => {
      const source = create({ kind: 'adc' })
      const header = await source.authorization(call)
      clock.advance(3_100_000)
      assert.equal(source.authorization(call), header)
      while (await source.authorization(call) === header) await new Promise((resolve) => { setImmediate(resolve) })
      assert.equal(google.seen.filter(({ path }) => path.includes('/token')).length, 2)
    }))

    it('a service account\'s key file', () => withFile(serviceAccountKey(), async () => {
      const source = create({ kind: 'adc' })
      assert.match(String(await source.authorization(call)), /^Bearer ya29\.CANARY-exchange-/)
      assert.equal(source.principal, 'robot@proj.iam.gserviceaccount.com')
      assert.deepEqual(google.seen.map(({ path }) => path), ['/token'])
    }))

    it('an external account\'s file: its token is exchanged at the address that the file names', async () => {
      const subject = join(tempDir(), 'subject.jwt')
      await writeFile(subject, 'eyJCANARY.subject.token')
      await withFile({
        type: 'external_account', audience: '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/x',
        subject_token_type: 'urn:ietf:params:oauth:token-type:jwt', token_url: `${google.origin}/token`, credential_source: { file: subject },
      }, async () => {
        const source = create({ kind: 'adc' })
        assert.match(String(await source.authorization(call)), /^Bearer ya29\.CANARY-exchange-/)
        assert.equal(source.principal, 'external account')
        assert.equal(new URLSearchParams(google.seen[0]?.body).get('subject_token'), 'eyJCANARY.subject.token')
      })
    })

    it('invariant 3: a refused key is an outage whose error holds no part of the key', () => withFile(serviceAccountKey(), async () => {
      google.override = (seen, response) => { response.writeHead(400, { 'content-type': 'application/json' }).end(JSON.stringify({ error: 'invalid_grant', error_description: `bad assertion ${new URLSearchParams(seen.body).get('assertion') ?? ''} ya29.CANARY` })) }
      const error = await refused(create({ kind: 'adc' }))
      assert.match(error.refusal.detail ?? '', /invalid_grant/)
      assert.ok(!(error.refusal.detail ?? '').includes('eyJ'))
      assert.deepEqual(failures, [error])
    }))

    const user = { type: 'authorized_user', client_id: 'id', client_secret: 'CANARY-secret', refresh_token: '1//CANARY-refresh' }
    const files: Readonly<Record<string, () => object>> = {
      'a service account\'s key': serviceAccountKey,
      'a user\'s own': () => user,
      'an impersonated account\'s': () => ({ type: 'impersonated_service_account', service_account_impersonation_url: `https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/${TARGET}:generateAccessToken`, source_credentials: user }),
      'an external account\'s': () => ({ type: 'external_account', audience: '//iam.googleapis.com/x', subject_token_type: 'urn:ietf:params:oauth:token-type:jwt', token_url: `${google.origin}/token`, credential_source: { url: `${google.origin}/subject` } }),
    }
    for (const [what, file] of Object.entries(files)) {
      it(`a redirect is not followed, and a failure not repeated: ${what} file`, () => withFile(file(), async () => {
        google.override = ({ path }, response) => { response.writeHead(path === '/token' ? 307 : 200, { location: '/elsewhere' }).end('CANARY-subject') }
        await refused(create({ kind: 'adc' }))
        assert.deepEqual(google.seen.map(({ path }) => path).filter((path) => path !== '/subject'), ['/token'])
      }))
    }

    it('a user\'s own file: its principal says that it is no service account', () => withFile(user, async () => {
      const source = create({ kind: 'adc' })
      assert.match(String(await source.authorization(call)), /^Bearer ya29\.CANARY-exchange-/)
      assert.equal(source.principal, 'authorized user')
    }))

    it('an impersonated account\'s file: its principal is the account', () => withFile(files['an impersonated account\'s']?.(), async () => {
      const source = create({ kind: 'adc' })
      assert.match(String(await source.authorization(call)), /^Bearer ya29\.CANARY-impersonated-/)
      assert.equal(source.principal, TARGET)
    }))

    it('nothing is written to the console meanwhile', () => withFile(files['an impersonated account\'s']?.(), async () => {
      const written: unknown[] = []
      const { warn, error } = console
      console.warn = console.error = (...args: unknown[]) => { written.push(args) }
      try {
        await create({ kind: 'adc' }).authorization(call)
      } finally {
        Object.assign(console, { warn, error })
      }
      assert.deepEqual(written, [])
    }))

    it('no credentials at all is an outage, and is looked for again', async () => {
      const source = create({ kind: 'adc' })
      await withEnvironment({ GOOGLE_APPLICATION_CREDENTIALS: undefined, CLOUDSDK_CONFIG: '/nonexistent', METADATA_SERVER_DETECTION: 'none' }, () => refused(source))
      clock.advance(1000)
      await onCompute(async () => { assert.match(String(await source.authorization(call)), /^Bearer /) })
    })
  })

  describe('impersonate', () => {
    it('asks for the target\'s token with the gateway\'s own, for the scopes and the short life that are set', () => onCompute(async () => {
      const source = create({ kind: 'impersonate', targetPrincipal: TARGET, lifetimeSeconds: 300, scopes: ['https://www.googleapis.com/auth/devstorage.read_only'], delegates: ['middle@proj.iam.gserviceaccount.com'] })
      assert.equal(source.principal, TARGET)
      assert.match(String(await source.authorization(call)), /^Bearer ya29\.CANARY-impersonated-/)
      const asked = google.seen.find(({ path }) => path.includes('generateAccessToken'))
      assert.equal(asked?.path, `/v1/projects/-/serviceAccounts/${TARGET}:generateAccessToken`)
      assert.match(asked.authorization ?? '', /^Bearer ya29\.CANARY-metadata-/)
      assert.deepEqual(JSON.parse(asked.body), { delegates: ['projects/-/serviceAccounts/middle@proj.iam.gserviceaccount.com'], scope: ['https://www.googleapis.com/auth/devstorage.read_only'], lifetime: '300s' })
    }))

    it('the default life is ten minutes', () => onCompute(async () => {
      const source = create({ kind: 'impersonate', targetPrincipal: TARGET })
      const header = await source.authorization(call)
      clock.advance(600_000 - 1)
      assert.equal(source.authorization(call), header)
      clock.advance(1)
      assert.ok(source.authorization(call) !== header)
    }))

    it('a clock that is behind does not make a token look younger than it is', () => onCompute(async () => {
      google.now = () => clock.now() + 300_000
      const source = create({ kind: 'impersonate', targetPrincipal: TARGET })
      const header = await source.authorization(call)
      clock.advance(600_000)
      assert.notEqual(source.authorization(call), header)
    }))

    it('a renewal uses the gateway\'s own token again, not a new one', () => onCompute(async () => {
      const source = create({ kind: 'impersonate', targetPrincipal: TARGET })
      await source.authorization(call)
      clock.advance(600_000)
      await source.authorization(call)
      assert.equal(google.seen.filter(({ path }) => path.includes('generateAccessToken')).length, 2)
      assert.equal(google.seen.filter(({ path }) => path.endsWith('/token') || path.includes('/token?')).length, 1)
    }))

    const answers: Readonly<Record<string, readonly [number, unknown, RegExp]>> = {
      'permission denied': [403, { error: { code: 403, status: 'PERMISSION_DENIED', message: 'Permission \'iam.serviceAccounts.getAccessToken\' denied for ya29.CANARY' } }, /403 PERMISSION_DENIED/],
      'a disabled account': [400, { error: { code: 400, status: 'FAILED_PRECONDITION', message: 'disabled' } }, /FAILED_PRECONDITION/],
      'an outage': [503, 'CANARY is no JSON', /503/],
      'no token': [200, { expireTime: '2099-01-01T00:00:00Z' }, /without a token/],
      'no end': [200, { accessToken: 'ya29.CANARY' }, /without a token or its end/],
      'an unreadable end': [200, { accessToken: 'ya29.CANARY', expireTime: 'CANARY' }, /unreadable/],
      'an end in the past': [200, { accessToken: 'ya29.CANARY', expireTime: '2020-01-01T00:00:00Z' }, /clock/],
      'no JSON': [200, 'ya29.CANARY', /200/],
      'a huge answer': [200, { accessToken: 'ya29.CANARY'.repeat(10_000) }, /larger/],
      'a redirect': [302, {}, /redirect/],
    }
    for (const [what, [status, body, detail]] of Object.entries(answers)) {
      it(`${what} is an outage with a private reason and no credential in it`, () => onCompute(async () => {
        google.override = (seen, response) => {
          if (!seen.path.includes('generateAccessToken')) return usualAnswer(google, seen, response)
          response.writeHead(status, { location: '/elsewhere' }).end(typeof body === 'string' ? body : JSON.stringify(body))
        }
        const error = await refused(create({ kind: 'impersonate', targetPrincipal: TARGET }))
        assert.match(error.refusal.detail ?? '', detail)
        assert.equal(failures.length, 1)
      }))
    }

    it('an outage of the gateway\'s own credentials is reported once', () => withEnvironment({ GOOGLE_APPLICATION_CREDENTIALS: '/nonexistent' }, async () => {
      await refused(create({ kind: 'impersonate', targetPrincipal: TARGET }))
      assert.equal(failures.length, 1)
    }))
  })

  describe('idToken', () => {
    it('the audience is the called host unless set; each audience has its own token', () => onCompute(async () => {
      const source = create({ kind: 'idToken' })
      const one = String(await source.authorization(call))
      assert.equal(source.authorization(call), one)
      assert.ok(one.includes(`.${Buffer.from('{"aud":"https://reports-abc.a.run.app"').toString('base64url').slice(0, 40)}`))
      assert.notEqual(await source.authorization(aCall({ host: 'other.a.run.app' })), one)
      assert.equal(source.principal, ADC_EMAIL)
      const fixed = create({ kind: 'idToken', audience: 'my-client-id' })
      assert.match(Buffer.from(String(await fixed.authorization(call)).split('.')[1] ?? '', 'base64url').toString(), /"aud":"my-client-id"/)
    }))

    it('through another service account', () => onCompute(async () => {
      const source = create({ kind: 'idToken', targetPrincipal: TARGET })
      assert.match(String(await source.authorization(call)), /^Bearer eyJ/)
      assert.equal(source.principal, TARGET)
      assert.deepEqual(JSON.parse(google.seen.at(-1)?.body ?? ''), { delegates: [], audience: 'https://reports-abc.a.run.app', includeEmail: true })
    }))

    const bad: Readonly<Record<string, readonly [() => string, RegExp]>> = {
      'a token for another audience': [() => idToken('https://evil.example', clock.now() / 1000 + 60), /another audience/],
      'a token that is none': [() => 'CANARY', /no ID token/],
      'a token that cannot be read': [() => 'CANARY.CANARY.CANARY', /cannot be read/],
      'a token without an end': [() => `a.${Buffer.from('{"aud":"https://reports-abc.a.run.app"}').toString('base64url')}.c`, /no expiry/],
    }
    for (const [what, [token, detail]] of Object.entries(bad)) {
      it(`${what} is not used`, () => onCompute(async () => {
        google.override = (seen, response) => {
          if (!seen.path.includes('generateIdToken')) return usualAnswer(google, seen, response)
          response.writeHead(200).end(JSON.stringify({ token: token() }))
        }
        const error = await refused(create({ kind: 'idToken', targetPrincipal: TARGET }))
        assert.match(error.refusal.detail ?? '', detail)
      }))
    }

    it('a kind of account that has no ID tokens says what to do', () => withFile({
      type: 'external_account', audience: '//iam.googleapis.com/x', subject_token_type: 'urn:ietf:params:oauth:token-type:jwt', token_url: `${google.origin}/token`, credential_source: { file: '/dev/null' },
    }, async () => { assert.match((await refused(create({ kind: 'idToken' }))).refusal.detail ?? '', /impersonate/) }))
  })

  describe('secret', () => {
    it('a service account\'s key is exchanged at Google\'s own endpoint, whatever the key file names', async () => {
      const source = create({ kind: 'secret', name: 'robot' }, { secrets: secretsOf(JSON.stringify(serviceAccountKey())) })
      assert.match(String(await source.authorization(call)), /^Bearer ya29\.CANARY-exchange-/)
      assert.equal(source.principal, 'robot@proj.iam.gserviceaccount.com')
      assert.deepEqual(google.seen.map(({ path }) => path), ['/token'])
    })

    it('a raw token is sent as bearer, or under the scheme that stands before it', async () => {
      for (const [value, header] of [['tok-1\n', 'Bearer tok-1'], ['Basic dTpw', 'Basic dTpw'], ['token abc', 'token abc']] as const) {
        const source = create({ kind: 'secret', name: 'api' }, { secrets: secretsOf(value) })
        assert.equal(await source.authorization(call), header)
        assert.equal(source.principal, 'secret api')
      }
    })

    it('a new version in the store is taken up within a minute', async () => {
      let version = 1
      const source = create({ kind: 'secret', name: 'api' }, { secrets: { access: () => Promise.resolve({ value: `tok-${version}`, version: String(version) }) } })
      assert.equal(await source.authorization(call), 'Bearer tok-1')
      version = 2
      clock.advance(60_000)
      assert.equal(await source.authorization(call), 'Bearer tok-2')
    })

    const bad: Readonly<Record<string, string>> = {
      'an empty secret': '',
      'a token with a line break': 'CANARY\r\nx-evil: 1',
      'three words': 'Bearer CANARY CANARY',
      'broken JSON': '{"private_key":"CANARY',
      'a key without an e-mail': JSON.stringify({ type: 'service_account', private_key: 'CANARY' }),
      'a key that is none': JSON.stringify({ type: 'service_account', client_email: 'a@b', private_key: 'CANARY' }),
      'a file with addresses of its own': JSON.stringify({ type: 'external_account', token_url: 'https://evil.example', private_key: 'CANARY' }),
      'another kind of file with a good key in it': JSON.stringify({ ...serviceAccountKey(), type: 'external_account' }),
      'a user\'s refresh token': JSON.stringify({ type: 'authorized_user', refresh_token: '1//CANARY', client_id: 'a', client_secret: 'CANARY' }),
    }
    for (const [what, value] of Object.entries(bad)) {
      it(`${what} is not used and not quoted`, async () => { await refused(create({ kind: 'secret', name: 'api' }, { secrets: secretsOf(value) })) })
    }

    it('absence is the store\'s refusal', async () => {
      const absent = new LockkeeperError('CREDENTIAL_UNAVAILABLE', 'There is no such secret.')
      assert.equal(await refused(create({ kind: 'secret', name: 'api' }, { secrets: { access: () => Promise.reject(absent) } })), absent)
    })
  })

  it('invariant 3: nothing that a source shows of itself holds a credential', () => onCompute(async () => {
    const sources = [create({ kind: 'adc' }), create({ kind: 'impersonate', targetPrincipal: TARGET }), create({ kind: 'idToken' }), create({ kind: 'secret', name: 'x' }, { secrets: secretsOf('CANARY') })]
    for (const source of sources) {
      await source.authorization(call)
      assert.ok(!inspect(source, { depth: 9, showHidden: true, getters: true }).includes('CANARY'))
      assert.ok(!JSON.stringify(source).includes('CANARY'))
    }
    assert.ok(canary('x', 1).includes('CANARY'))
  }))

  describe('settings that cannot work stop the start', () => {
    const bad: Readonly<Record<string, readonly [CredentialSettings, Partial<CredentialDeps>, RegExp]>> = {
      'a path as account': [{ kind: 'impersonate', targetPrincipal: '../keys@x' }, {}, /no service account's e-mail/],
      'an action as account': [{ kind: 'impersonate', targetPrincipal: 'a@b:signBlob?x=' }, {}, /no service account's e-mail/],
      'a delegate that is none': [{ kind: 'impersonate', targetPrincipal: TARGET, delegates: ['-'] }, {}, /"-" is no/],
      'an account for ID tokens that is none': [{ kind: 'idToken', targetPrincipal: 'x' }, {}, /"x" is no/],
      'a life over an hour': [{ kind: 'impersonate', targetPrincipal: TARGET, lifetimeSeconds: 3601 }, {}, /60 to 3,600/],
      'a life under a minute': [{ kind: 'impersonate', targetPrincipal: TARGET, lifetimeSeconds: 59 }, {}, /60 to 3,600/],
      'no scopes': [{ kind: 'adc', scopes: [] }, {}, /scopes/],
      'no secret store': [{ kind: 'secret', name: 'x' }, {}, /no secret store/],
      'no name': [{ kind: 'secret', name: '' }, { secrets: { access: () => Promise.reject(new Error('not asked')) } }, /name is empty/],
      'invariant 14: a plain http endpoint': [{ kind: 'adc' }, { endpoints: { iamCredentials: 'http://iam.example' } }, /https origin/],
      'an endpoint with a path': [{ kind: 'adc' }, { endpoints: { iamCredentials: 'https://iam.example/x' } }, /https origin/],
      'invariant 3: logging by the library, which would show tokens': [{ kind: 'adc' }, { environment: { GOOGLE_SDK_NODE_LOGGING: 'all' } }, /GOOGLE_SDK_NODE_LOGGING/],
    }
    for (const [what, [settings, extra, message]] of Object.entries(bad)) {
      it(what, () => { assert.throws(() => create(settings, extra), { name: 'TypeError', message }) })
    }
  })
})
