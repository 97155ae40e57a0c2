import assert from 'node:assert/strict'
import type { CredentialSource } from '@lockkeeper/domain/ports'
import { createMaskers } from './maskers.ts'
import { matchesResource } from './resources.ts'
import { createTargets } from './targets.ts'

describe('targets', () => {
  const targets = createTargets([
    { name: 'google', hosts: ['*.googleapis.com'] }, { name: 'run', hosts: ['run.googleapis.com', '*.rep.googleapis.com'] }, { name: 'app', hosts: ['App.example.com'] },
  ], () => ({}) as CredentialSource)
  for (const [host, name] of [
    ['storage.googleapis.com', 'google'], ['a.b.googleapis.com', 'google'], ['run.googleapis.com', 'run'], ['run.us.rep.googleapis.com', 'run'], ['app.example.com', 'app'],
    ['googleapis.com', undefined], ['.googleapis.com', undefined], ['evilgoogleapis.com', undefined], ['storage.googleapis.com.', undefined], ['storage.googleapis.com.evil.example', undefined], ['example.com', undefined], ['x.app.example.com', undefined], ['', undefined],
  ] as const) it(`${host} is ${name ?? 'none'}`, () => assert.equal(targets.find(host)?.name, name))
  it('hosts of Google\'s are understood by the catalog, others by verb and path', () => assert.deepEqual(targets.all.map(({ kind }) => kind), ['google', 'google', 'http']))
})

describe('resource globs', () => {
  for (const [glob, resource, matches] of [
    ['//a/b', '//a/b', true], ['//a/*', '//a/b', true], ['//a/*', '//a/b/c', false], ['//a/**', '//a/b/c', true], ['//a/b*', '//a/bc', true], ['//a.b/c', '//axb/c', false], ['//a/(b)+', '//a/(b)+', true], ['//a/**', '//a/b\nc', true], ['//a', '//a/b', false], ['**', 'x', true],
  ] as const) it(`${glob} ${matches ? 'matches' : 'does not match'} ${JSON.stringify(resource)}`, () => assert.equal(matchesResource(glob, resource), matches))
})

describe('maskers', () => {
  const maskers = createMaskers()
  it('an empty plan needs none', () => assert.equal(maskers.of({ detectors: [], fields: [] }), undefined))
  it('equal plans share one', () => assert.equal(maskers.of({ detectors: ['email'], fields: [] }), maskers.of({ detectors: ['email'], fields: [] })))
  it('a plan that does not compile is our own mistake', () => assert.throws(() => maskers.of({ detectors: ['no-such-detector'], fields: [] }), TypeError))
})
