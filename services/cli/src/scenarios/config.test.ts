/** Invariant 14 and the start: a wrong configuration starts nothing, and names every problem at once with file, line and path. */
import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { formatProblems } from '@lockkeeper/service-kit'
import { loadConfig } from '../gateway/load-config.ts'
import { runCommand } from '../testing/run-command.ts'

const REAL = `apiVersion: lockkeeper.dev/v1
kind: Gateway
mode: real
isolation: container
issuers:
  - name: github
    issuer: https://token.actions.githubusercontent.com
    audience: lockkeeper
    agent: { id: claims.repository }
targets:
  - name: google
    hosts: ["*.googleapis.com"]
    credential: { adc: true }
`
const NO_TARGETS = REAL.slice(0, REAL.indexOf('targets:'))
const SANDBOX = REAL.replace('mode: real', 'mode: sandbox').replace('credential: { adc: true }', 'credential: { secret: fake }\n    upstream: http://127.0.0.1:9')

function bomb(): string {
  const levels = Array.from({ length: 8 }, (_, level) => `l${level + 1}: &l${level + 1} [${Array.from({ length: 9 }, () => `*l${level}`).join(', ')}]`)
  return `l0: &l0 [x, x, x]\n${levels.join('\n')}\n`
}

/** What is changed, and what must be said: `line path: text`. */
const WRONG: Readonly<Record<string, readonly [text: string, ...problems: readonly RegExp[]]>> = {
  'an unknown key': [`${REAL}surprise: 1\n`, /lockkeeper\.yaml:14.*surprise/],
  'a value of another kind': [REAL.replace('isolation: container', 'isolation: strong'), /lockkeeper\.yaml:4.*isolation/],
  'a hold that is too short and one that is no duration': [`${REAL}hold: 1s\nupstream: { headers: soon }\n`, /lockkeeper\.yaml:14.*hold/, /lockkeeper\.yaml:15.*upstream\.headers/],
  'no YAML at all': ['mode: [', /lockkeeper\.yaml:1/],
  'a duplicate key': [`${REAL}mode: sandbox\n`, /lockkeeper\.yaml:14/],
  'aliases that would grow without end': [bomb(), /lockkeeper\.yaml: Excessive alias count/],
  'several things in several places': [
    `${REAL.replace('mode: real', 'mode: both').replace('https://token', 'ftp://token').replace('"*.googleapis.com"', '"*.*.com"')}limits: { held: 0 }\n`,
    /lockkeeper\.yaml:3.*mode/, /lockkeeper\.yaml:7.*issuers\.0\.issuer/, /lockkeeper\.yaml:12.*targets\.0\.hosts\.0/, /lockkeeper\.yaml:14.*limits\.held/,
  ],
  'a wrong key beside parts that do not go together': [
    `${REAL.replace('https://token.actions.githubusercontent.com', 'http://127.0.0.1:4444')}surprise: 1\nlisten: { address: 0.0.0.0 }\nterminal: { person: eve }\nlimits: { held: many }\n`,
    /lockkeeper\.yaml:14 surprise/, /lockkeeper\.yaml:7.*issuers\.0\.issuer/, /lockkeeper\.yaml:15.*listen\.address/, /lockkeeper\.yaml:16.*terminal\.person/, /lockkeeper\.yaml:17.*limits\.held/,
  ],
  'invariant 14: an http issuer in real mode': [REAL.replace('https://token.actions.githubusercontent.com', 'http://127.0.0.1:4444'), /lockkeeper\.yaml:7.*issuers\.0\.issuer/],
  'invariant 14: a credential for a plain-http upstream in real mode': [REAL.replace('credential: { adc: true }', 'credential: { adc: true }\n    upstream: http://10.0.0.1:80'), /lockkeeper\.yaml:14.*targets\.0\.upstream.*plain-http/],
  'invariant 14: a credential for an overridden upstream that does not say so': [REAL.replace('credential: { adc: true }', 'credential: { adc: true }\n    upstream: https://elsewhere.example'), /lockkeeper\.yaml:14.*sendsCredential/],
  'invariant 14: real credentials at level none unacknowledged': [REAL.replace('isolation: container', 'isolation: none'), /lockkeeper\.yaml:4.*isolation.*acknowledgeNoIsolation/],
  'invariant 14: a real credential in the sandbox': [SANDBOX.replace('{ secret: fake }', '{ adc: true }'), /lockkeeper\.yaml:13.*targets\.0\.credential.*real credential/],
  'invariant 14: a sandbox that would call Google': [SANDBOX.replace('    upstream: http://127.0.0.1:9\n', ''), /targets\.0.*loopback/],
  'invariant 14: a sandbox with an upstream on the network': [SANDBOX.replace('127.0.0.1:9', '192.168.7.7:80'), /lockkeeper\.yaml:14.*targets\.0\.upstream.*loopback/],
  'an open port without TLS': [`${REAL}listen: { address: 0.0.0.0 }\n`, /lockkeeper\.yaml:14.*listen\.address.*tls/i],
  'no targets anywhere': [NO_TARGETS, /targets: name at least one, here or in targets\.yaml/],
  'the forward door without targets to bind its authority to': [`${NO_TARGETS}policies: { pushed: true }\ndoors: { forward: {} }\n`, /doors\.forward.*authority is bound to their hosts/],
  'two targets of one name': [`${REAL}  - { name: google, hosts: [a.example.com], credential: { none: true } }\n`, /lockkeeper\.yaml:14.*targets\.1\.name/],
  'files that are not there': [`${REAL}people: ./nobody.yaml\nlisten: { tls: { certificate: ./c.pem, key: ./k.pem } }\n`, /lockkeeper\.yaml:15.*listen\.tls\.certificate.*ENOENT/, /lockkeeper\.yaml:15.*listen\.tls\.key/, /nobody\.yaml/],
  'no door': [`${REAL}doors: { path: false }\n`, /lockkeeper\.yaml:14.*doors/],
  'a domain door without a certificate': [`${REAL}doors: { domain: gw.example.com }\n`, /lockkeeper\.yaml:14.*doors\.domain/],
  'a terminal of nobody': [`${REAL}terminal: { person: eve }\n`, /lockkeeper\.yaml:14.*terminal\.person.*eve/],
  'invariant 7: approvers with the agents\' issuer and audience': [`${REAL}approverIssuers: [{ name: github, issuer: "https://token.actions.githubusercontent.com", audience: lockkeeper }]\n`, /lockkeeper\.yaml:14.*approverIssuers/],
}

describe('scenario: configurations', () => {
  let directory: string
  let file: string
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'lockkeeper-config-'))
    file = join(directory, 'lockkeeper.yaml')
  })
  after(() => rm(directory, { recursive: true, force: true }))

  for (const [name, text] of [['real', REAL], ['sandbox', SANDBOX]] as const) {
    it(`the ${name} configuration that the others are made from is sound`, async () => {
      await writeFile(file, text)
      const loaded = loadConfig(file, {})
      assert.ok(!('problems' in loaded), 'problems' in loaded ? formatProblems(loaded.problems) : '')
      assert.equal(loaded.config.mode, name)
    })
  }

  for (const [what, [text, ...wanted]] of Object.entries(WRONG)) {
    const title = what.startsWith('invariant') ? `${what} stops the start` : `${what}: nothing is started, every problem is named with file, line and path`
    it(title, async () => {
      await writeFile(file, text)
      const { code, out, err } = await runCommand(['up', '--config', file])
      assert.deepEqual([code, out], [1, ''])
      for (const problem of wanted) assert.match(err, new RegExp(problem.source, problem.flags))
      assert.match(err, /nothing was started/)
    })
  }

  const beside: readonly (readonly [string, string, string, RegExp])[] = [
    ['in lockkeeper.yaml too', REAL, 'targets:\n  - { name: google, hosts: ["*.googleapis.com"], credential: { adc: true } }\n', /lockkeeper\.yaml:10 targets: targets stand in .*targets\.yaml too/],
    ['of another form', NO_TARGETS, 'targets:\n  - { name: google, hosts: [x], credential: { adc: true } }\n', /targets\.yaml:4 targets\.0\.hosts\.0/],
    ['invariant 14: with a credential for a plain-http upstream', NO_TARGETS, 'targets:\n  - { name: google, hosts: ["*.googleapis.com"], upstream: "http://10.0.0.1", credential: { adc: true } }\n', /targets\.yaml:4 targets\.0\.upstream.*plain-http/],
  ]
  for (const [what, text, targets, wanted] of beside) {
    it(`a targets.yaml ${what} stops the start`, async () => {
      await writeFile(file, text)
      await mkdir(join(directory, 'policies'), { recursive: true })
      await writeFile(join(directory, 'policies', 'targets.yaml'), `apiVersion: lockkeeper.dev/v1\nkind: Targets\n${targets}`)
      const { code, err } = await runCommand(['up', '--config', file])
      await rm(join(directory, 'policies'), { recursive: true })
      assert.equal(code, 1)
      assert.match(err, wanted)
    })
  }

  it('a LOCKKEEPER_ variable that nobody knows stops the start, and is named beside the other problems', async () => {
    await writeFile(file, `${REAL}surprise: 1\n`)
    const loaded = loadConfig(file, { LOCKKEEPER_CONFG: 'x', LOCKKEEPER_ADMIN: '/tmp/x', LOCKKEEPER_SECRET_FAKE: 's', PATH: '/bin' })
    assert.ok('problems' in loaded)
    const text = formatProblems(loaded.problems)
    assert.match(text, /LOCKKEEPER_CONFG/)
    assert.match(text, /surprise/)
    assert.equal(loaded.problems.length, 2, 'known variables and those of others are no problem')
  })

  it('an unsound people file is named with its own file and line', async () => {
    await writeFile(join(directory, 'people.yaml'), 'apiVersion: lockkeeper.dev/v1\nkind: People\npeople:\n  - id: ada\n    name: Ada\n    identities: [{ email: not-an-address }]\n    colour: red\n')
    await writeFile(file, `${REAL}people: ./people.yaml\n`)
    const { code, err } = await runCommand(['up', '--config', file])
    assert.equal(code, 1)
    assert.match(err, /people\.yaml:\d+.*people\.0/)
  })
})
