/** Operations of the policy service. */
import { operation } from '@lockkeeper/service-kit/server'
import { z } from 'zod'
import { questionSchema } from '../explain.ts'
import { caseResult, explanationSchema, fileProblems, filesSchema, ruleChange, setInfo, statusSchema } from './policy-schemas.ts'

const SET_BYTES = 16 * 1024 * 1024
const FILES = { 'agents.yaml': 'apiVersion: lockkeeper.dev/v1\nkind: Policy\nmetadata: { name: agents, owner: platform }\nagents: ["*"]\nrules:\n  - name: reads\n    methods: ["class:read"]\n    effect: allow\n' }
const SET = { number: 7, version: '0f3a…', bundle: '9c1e…', rules: 12, files: 3, by: 'ana@example.com', note: 'let the build read its bucket', at: 1_795_521_600_000 }
const number = z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER)
const ETAG = { etag: 'Number of the set in force, in quotes: the If-Match of the next push.' }

export const showCurrent = operation({
  id: 'showCurrentPolicy', method: 'get', path: '/v1/policy/current', tag: 'policy', summary: 'Says which bundle is in force, and what is wrong with the newest set.',
  answer: { description: 'Pointers, problems and warnings.', schema: statusSchema, example: { problems: [], warnings: [] } },
})

export const checkPolicies = operation({
  id: 'checkPolicies', method: 'post', path: '/v1/policy/check', tag: 'policy', summary: 'Says what a set would be told; nothing is published.',
  body: { schema: z.strictObject({ files: filesSchema }), bytes: SET_BYTES, large: true, example: { files: FILES } },
  answer: { description: 'Problems and warnings.', schema: z.strictObject({ problems: fileProblems, warnings: fileProblems }), example: { problems: [], warnings: [] } },
})

export const explainCall = operation({
  id: 'explainCall', method: 'post', path: '/v1/policy/explain', tag: 'policy', summary: 'Decides a call by the set in force and says of every rule why it counts or not.',
  body: { schema: questionSchema, bytes: 1024 * 1024, example: { agent: { issuer: 'github', id: 'acme/shop' }, call: { method: 'storage.objects.get', resources: ['//storage.googleapis.com/projects/_/buckets/dev/objects/a'] } } },
  answer: { description: 'The decision and every rule.', schema: explanationSchema }, refusals: ['POLICY_STALE'],
})

export const showSet = operation({
  id: 'showPolicySet', method: 'get', path: '/v1/policies', tag: 'sets', summary: 'Answers the files in force.',
  answer: {
    description: 'The files, and where they come from.', headers: ETAG, example: { source: 'pushed', files: FILES, set: SET },
    schema: z.strictObject({ source: z.enum(['folder', 'pushed']), files: filesSchema, set: setInfo.optional().meta({ description: 'Absent: nothing was pushed yet, or a folder is read.' }) }),
  },
})

const pushAnswer = {
  dryRun: z.boolean(), published: z.boolean(), warnings: fileProblems, cases: z.int().meta({ description: 'Test cases that were run.' }), hint: z.string().optional(),
  changes: z.array(ruleChange).optional().meta({ description: 'Of a dry run.' }), set: setInfo.optional().meta({ description: 'The set in force afterwards. Absent: a dry run.' }),
}

export const pushSet = operation({
  id: 'pushPolicySet', method: 'put', path: '/v1/policies', tag: 'sets', summary: 'Puts a whole set in the place of the one in force.',
  description: 'The set is checked and its test cases are run first. It takes the place of exactly the set that the pusher has seen: `If-Match: "NUMBER"`, or `If-None-Match: *` for the first.',
  query: z.strictObject({ dryRun: z.enum(['true', 'false']).default('false').meta({ description: 'Everything but the publication.' }) }),
  headers: {
    'if-match': { schema: z.string().regex(/^"\d{1,15}"$/).optional(), description: 'Number of the set that is replaced, in quotes.' },
    'if-none-match': { schema: z.literal('*').optional(), description: 'Nothing is in force yet.' },
  },
  body: {
    schema: z.strictObject({
      files: filesSchema, by: z.string().min(1).max(200).optional().meta({ description: 'Who pushes. Needed on the admin socket; over the network it is the verified caller, whatever is written here.' }), note: z.string().max(500).default(''),
    }),
    bytes: SET_BYTES, large: true, example: { files: FILES, note: SET.note },
  },
  answer: { description: 'What is in force now, or would be.', headers: ETAG, schema: z.strictObject(pushAnswer), example: { dryRun: false, published: true, set: SET, warnings: [], cases: 4 } },
  refusals: ['OVERLOADED'],
  problems: {
    409: { description: 'this gateway reads its policies from a folder.', reason: 'STATE_CHANGED' },
    412: { description: 'another set is in force than the one to be replaced.', reason: 'STATE_CHANGED', members: { inForce: setInfo.optional(), changes: z.array(ruleChange) } },
    422: { description: 'the set has problems, or cases that fail; what was in force stays in force.', reason: 'REQUEST_INVALID', members: { problems: fileProblems, failed: z.array(caseResult) } },
    428: { description: 'neither If-Match nor If-None-Match says which set is replaced.', reason: 'REQUEST_INVALID' },
    500: { description: 'files and entry do not belong together, or a fault of the service\'s own.', reason: 'INTERNAL' },
  },
})

export const listSets = operation({
  id: 'listPolicySets', method: 'get', path: '/v1/policies/versions', tag: 'sets', summary: 'Lists all sets that were in force, newest first.',
  query: z.strictObject({ limit: z.coerce.number().int().min(1).max(1_000).default(50), cursor: z.string().max(1_000).optional() }),
  answer: { description: 'A page of sets.', schema: z.strictObject({ versions: z.array(setInfo), cursor: z.string().optional().meta({ description: 'Give it to go on. Absent: this was the last page.' }) }), example: { versions: [SET] } },
})

export const showOldSet = operation({
  id: 'showOldPolicySet', method: 'get', path: '/v1/policies/versions/{number}', tag: 'sets', summary: 'Answers the files of one set that was in force. Pushing them goes back to it.', params: z.strictObject({ number }),
  answer: { description: 'The files.', schema: z.strictObject({ source: z.literal('pushed'), files: filesSchema, set: setInfo }), example: { source: 'pushed', files: FILES, set: SET } }, refusals: ['NOT_FOUND'],
})

export const POLICY_OPERATIONS = [showCurrent, checkPolicies, explainCall, showSet, pushSet, listSets, showOldSet] as const
