import assert from 'node:assert/strict'
import type { PolicyDocument, RuleDocument } from '@lockkeeper/policy-engine'
import { ruleChanges } from './rule-changes.ts'

const RULE: RuleDocument = { name: 'r', methods: ['storage.objects.get'], effect: 'allow' }
const document = (rules: readonly RuleDocument[], more: Partial<PolicyDocument> = {}): PolicyDocument => ({ apiVersion: 'lockkeeper.dev/v1', kind: 'Policy', metadata: { name: 'p', owner: 'o' }, agents: ['*'], rules: [...rules], ...more })

describe('changes of rules in words', () => {
  const cases: readonly (readonly [string, readonly PolicyDocument[], readonly PolicyDocument[], readonly string[]])[] = [
    ['nothing', [document([RULE])], [document([RULE])], []],
    ['a document that is new', [], [document([RULE])], ['added p/r: allow storage.objects.get for *']],
    ['a document that is gone', [document([RULE])], [], ['removed p/r: allow storage.objects.get for *']],
    ['another effect', [document([RULE])], [document([{ ...RULE, effect: 'deny' }])], ['changed p/r: effect: allow → deny']],
    ['methods that come and go', [document([RULE])], [document([{ ...RULE, methods: ['storage.objects.list', 'read'] }])], ['changed p/r: methods: + storage.objects.list, read, − storage.objects.get']],
    ['methods in another order', [document([{ ...RULE, methods: ['a', 'b'] }])], [document([{ ...RULE, methods: ['b', 'a'] }])], ['changed p/r: methods: in another order']],
    ['a condition that is gone', [document([{ ...RULE, when: 'call.change' }])], [document([RULE])], ['changed p/r: when: call.change → none']],
    ['other reviewers', [document([{ ...RULE, effect: 'approve', approval: { quorum: 1 } }])], [document([{ ...RULE, effect: 'approve', approval: { quorum: 2 } }])], ['changed p/r: approval: {"quorum":1} → {"quorum":2}']],
    ['other agents, for all rules at once', [document([RULE])], [document([RULE], { agents: ['repo:acme/*'] })], ['changed p: agents: + repo:acme/*, − *']],
    ['another order of rules, which counts among equals', [document([RULE, { ...RULE, name: 's' }])], [document([{ ...RULE, name: 's' }, RULE])], ['changed p: the order of its rules']],
    ['a rule between others, which is no other order', [document([RULE, { ...RULE, name: 't' }])], [document([RULE, { ...RULE, name: 's' }, { ...RULE, name: 't' }])], ['added p/s: allow storage.objects.get for *']],
    ['all that a new rule says', [document([])], [document([{ ...RULE, effect: 'approve', resources: ['//a'], when: 'call.change', mask: ['secrets'], fields: ['a.b'], approval: { reviewers: ['group:x'], quorum: 2 } }])],
      ['added p/r: approve storage.objects.get for * on //a when call.change masking secrets, a.b approved by 2 of group:x']],
  ]
  for (const [title, before, after, wanted] of cases) {
    it(title, () => assert.deepEqual(ruleChanges(before, after).map(({ rule, change, text }) => `${change} ${rule}: ${text}`), wanted))
  }

  it('long lists are cut', () => {
    const [change] = ruleChanges([], [document([{ ...RULE, methods: Array.from({ length: 20 }, (_, at) => `m${at}`) }])])
    assert.match(change?.text ?? '', /m7 and 12 more/)
  })
})
