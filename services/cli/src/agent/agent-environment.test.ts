import assert from 'node:assert/strict'
import { agentFiles, agentVariables, childEnvironment, externalAccount, isRemoved } from './agent-environment.ts'
import { formatVariables } from '../commands/agent.ts'
import { spawnSync } from 'node:child_process'

const ACCESS = { origin: 'http://127.0.0.1:8443', authority: 'PEM', tokenFile: '/run/agent/token.jwt', directory: '/run/agent' }

describe('an agent\'s environment', () => {
  for (const name of ['GOOGLE_APPLICATION_CREDENTIALS', 'GOOGLE_OAUTH_ACCESS_TOKEN', 'CLOUDSDK_CONFIG', 'CLOUDSDK_AUTH_ACCESS_TOKEN', 'BOTO_CONFIG', 'AWS_SECRET_ACCESS_KEY', 'HTTPS_PROXY', 'https_proxy', 'NO_PROXY', 'grpc_proxy', 'all_proxy', 'STORAGE_EMULATOR_HOST', 'NODE_TLS_REJECT_UNAUTHORIZED', 'SSL_CERT_DIR', 'SSLKEYLOGFILE', 'LOCKKEEPER_ADMIN', 'LOCKKEEPER_SECRET_X', 'npm_config_https_proxy', 'npm_lifecycle_event', 'FIREBASE_TOKEN', 'GCE_METADATA_HOST']) {
    it(`invariant 3: ${name} of the parent is not passed on`, () => {
      assert.ok(isRemoved(name))
      assert.notEqual(childEnvironment({ [name]: 'parents-own' }, agentVariables(ACCESS))[name], 'parents-own')
    })
  }
  for (const name of ['PATH', 'HOME', 'LANG', 'TERM', 'GITHUB_TOKEN', 'ANTHROPIC_API_KEY', 'NODE_OPTIONS', 'GOPATH']) {
    it(`${name} of the parent is passed on`, () => assert.equal(childEnvironment({ [name]: 'parents-own' }, {})[name], 'parents-own'))
  }

  it('directories that npm put before the user\'s own path are taken off below npm, and only there', () => {
    const path = '/app/node_modules/.bin:/node_modules/.bin:/usr/lib/node_modules/npm/node_modules/@npmcli/run-script/lib/node-gyp-bin:/home/me/node_modules/.bin-not:/usr/bin:/x/node_modules/.bin'
    assert.equal(childEnvironment({ PATH: path, npm_lifecycle_event: 'start' }, {})['PATH'], '/home/me/node_modules/.bin-not:/usr/bin:/x/node_modules/.bin')
    assert.equal(childEnvironment({ PATH: path }, {})['PATH'], path)
  })

  it('every file that a variable names is written, but for the token and gcloud\'s own directory', () => {
    const written = agentFiles(ACCESS).map(({ path }) => path)
    const named = Object.values(agentVariables(ACCESS)).filter((value) => value.startsWith('/run/agent/') && value !== ACCESS.tokenFile && value !== '/run/agent/gcloud')
    assert.deepEqual([...new Set(named)].sort(), [...written].sort())
  })

  it('the trust bundle adds the gateway\'s authority to the public ones', () => {
    const bundle = agentFiles(ACCESS).find(({ path }) => path.endsWith('trust.pem'))?.content ?? ''
    assert.ok(bundle.endsWith('PEM') && bundle.includes('BEGIN CERTIFICATE'))
  })

  it('the credential file exchanges at the gateway, or at the domain door with its universe', () => {
    assert.equal(externalAccount(ACCESS)['token_url'], 'http://127.0.0.1:8443/v1/token')
    assert.equal(externalAccount(ACCESS)['universe_domain'], undefined)
    const { universe_domain: universe, token_url: exchange, token_info_url: introspect } = externalAccount({ ...ACCESS, universe: 'gw.example.com' })
    assert.deepEqual([universe, exchange, introspect], ['gw.example.com', 'https://sts.gw.example.com/v1/token', 'https://sts.gw.example.com/v1/introspect'])
  })

  const HOSTILE = { A: 'a b', B: '$(touch /tmp/x) `id` $HOME', C: 'it\'s', D: 'back\\slash "quoted"', E: 'two\nlines', F: '' }
  it('a shell reads exports as what they are, whatever stands in the values', () => {
    const { stdout } = spawnSync('/bin/sh', ['-c', `${formatVariables(HOSTILE, 'sh')}\nenv -0`], { env: {}, encoding: 'utf8' })
    const read = Object.fromEntries(stdout.split('\0').filter((line) => /^[A-F]=/.test(line)).map((line) => [line[0], line.slice(2)]))
    assert.deepEqual(read, HOSTILE)
  })
  it('json gives the values as they are', () => assert.deepEqual(JSON.parse(formatVariables(HOSTILE, 'json')), HOSTILE))
  it('dotenv refuses values that its readers disagree on', () => {
    assert.throws(() => formatVariables({ C: HOSTILE.C }, 'dotenv'), /use --format json/)
    assert.throws(() => formatVariables({ E: HOSTILE.E }, 'dotenv'), /use --format json/)
    assert.equal(formatVariables({ B: HOSTILE.B, A: 'a' }, 'dotenv'), `A='a'\nB='${HOSTILE.B}'`)
  })
})
