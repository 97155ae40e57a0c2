/**
 * The API of the console's own page, as its document says it. Routes check requests with the same schemas; what they hand on from another
 * service has that service's form, which its own document describes.
 */
import { operation, type Operation } from '@lockkeeper/service-kit/server'
import { z } from 'zod'
import { asking, closing, deciding, reviewing } from './decision-routes.ts'
import { cursorQuery, grantsQuery, historyQuery, loadQuery, reviewsQuery, runQuery } from './look-routes.ts'
import { opening } from './mail-link-routes.ts'
import { ending, locking } from './operate-routes.ts'
import { adding, beginning, finishing, signingIn } from './passkey-routes.ts'
import { signingOut } from './session-routes.ts'

const id = z.strictObject({ id: z.string().min(1).max(128) })
const assertion = { credential: 'Y3JlZA', clientData: 'Y2Q', authenticatorData: 'YWQ', signature: 'c2ln' }
const csrf = { 'x-lockkeeper-csrf': { schema: z.string(), description: 'The session\'s token, as `getMe` gave it. The request\'s Origin must be the console\'s own.' } }
const nothing = z.strictObject({})
const assertions = z.strictObject({ challenge: z.string(), at: z.number().meta({ description: 'Epoch ms.' }), rpId: z.string() })
const challenge = z.union([assertions.extend({ kind: z.literal('passkey') }), z.strictObject({ kind: z.literal('redirect'), location: z.string() })])

type Part = Pick<Operation, 'id' | 'tag' | 'summary' | 'path' | 'refusals' | 'caller' | 'query' | 'body'>
const params = (path: string): Pick<Operation, 'params'> => path.includes('{id}') ? { params: id } : path.includes('{run}') ? { params: z.strictObject({ run: z.string().min(1).max(512) }) } : {}
/** What another service said, whatever its status. */
const handedOn = (from: string): Operation['answer'] => ({ description: `As \`${from}\` answers, in the document of its service.`, schema: z.looseObject({}) })

function look(part: Part, answer: Operation['answer']): Operation {
  return operation({ ...part, ...params(part.path), method: 'get', caller: part.caller ?? 'session', answer, refusals: ['TOKEN_MISSING', 'CALLER_REFUSED', 'APPROVAL_UNAVAILABLE', ...part.refusals ?? []] })
}
function change(part: Part, answer: Operation['answer']): Operation {
  return operation({ ...part, ...params(part.path), method: 'post', caller: part.caller ?? 'session', ...part.caller === 'anyone' ? {} : { headers: csrf }, answer, refusals: ['TOKEN_MISSING', 'CALLER_REFUSED', 'APPROVAL_UNAVAILABLE', ...part.refusals ?? []] })
}

const said = { verdict: 'approve' as const, reason: 'agreed in the stand-up' }
const [DECIDED, DONE] = [{ said, digest: 'full:x' }, { description: 'It is done.', schema: nothing, example: {} }]
const person = z.strictObject({ id: z.string(), name: z.string() })
const run = z.strictObject({ agent: z.string(), run: z.string(), calls: z.int(), refused: z.int(), waiting: z.int(), first: z.number(), last: z.number() })

export const CONSOLE_OPERATIONS: readonly Operation[] = [
  look({ id: 'getSignInOptions', tag: 'sessions', path: '/api/sign-in', summary: 'Says how one can sign in.', caller: 'anyone' }, { description: 'The ways.', schema: z.strictObject({ mode: z.enum(['sandbox', 'real']), passkeys: z.boolean(), clients: z.array(z.strictObject({ issuer: z.string(), label: z.string() })) }) }),
  look({ id: 'getMe', tag: 'sessions', path: '/api/me', summary: 'Says who is signed in.' }, { description: 'The person, and the token for changes.', schema: z.strictObject({ person, csrf: z.string(), mode: z.enum(['sandbox', 'real']), decideBy: z.enum(['passkey', 'idToken']), operator: z.boolean(), now: z.number() }) }),
  look({ id: 'listSignIns', tag: 'sessions', path: '/api/sign-ins', summary: 'Lists the browsers that the person is signed in with.' }, { description: 'Newest first.', schema: z.strictObject({ signIns: z.array(z.strictObject({ startedAt: z.number(), usedAt: z.number(), current: z.boolean() })) }) }),
  change({ id: 'signOut', tag: 'sessions', path: '/api/sign-out', summary: 'Ends this session.', body: { schema: nothing, example: {} } }, DONE),
  change({ id: 'endSignIns', tag: 'sessions', path: '/api/sign-ins/end', summary: 'Ends every session of a person; of another one for operators alone.', body: { schema: signingOut, example: {} }, refusals: ['NOT_FOUND'] }, { description: 'How many there were.', schema: z.strictObject({ ended: z.int() }), example: { ended: 2 } }),

  change({ id: 'challengePasskeySignIn', tag: 'passkeys', path: '/api/sign-in/passkey/challenge', summary: 'Begins a sign-in with a passkey.', caller: 'anyone', body: { schema: nothing, example: {} }, refusals: ['OVERLOADED'] }, { description: 'What the passkey signs.', schema: z.strictObject({ nonce: z.string(), challenge: z.string(), rpId: z.string() }) }),
  change({ id: 'signInWithPasskey', tag: 'passkeys', path: '/api/sign-in/passkey', summary: 'Signs in with a passkey.', caller: 'anyone', body: { schema: signingIn, example: { nonce: 'n', assertion } }, refusals: ['TOKEN_INVALID'] }, DONE),
  change({ id: 'beginPasskey', tag: 'passkeys', path: '/api/passkeys/registrations', summary: 'Begins a passkey with a one-time code.', caller: 'anyone', body: { schema: beginning, example: { code: 'AAAAA-BBBBB-CCCCC-DDDDD' } } }, handedOn('beginRegistration')),
  change({ id: 'finishPasskey', tag: 'passkeys', path: '/api/passkeys/new', summary: 'Keeps the passkey that was made.', caller: 'anyone', body: { schema: finishing, example: { code: 'AAAAA-BBBBB-CCCCC-DDDDD', label: 'This device', credential: { id: 'Y3JlZA', clientData: 'Y2Q', attestation: 'YXQ' } } } }, handedOn('finishRegistration')),
  look({ id: 'listMyPasskeys', tag: 'passkeys', path: '/api/passkeys', summary: 'Lists the person\'s passkeys.' }, handedOn('listPasskeys')),
  change({ id: 'removeMyPasskey', tag: 'passkeys', path: '/api/passkeys/{id}/remove', summary: 'Removes one of the person\'s passkeys.', body: { schema: nothing, example: {} } }, handedOn('removePasskey')),
  change({ id: 'challengeCode', tag: 'passkeys', path: '/api/passkeys/codes/challenge', summary: 'Asks for what a passkey signs to get a one-time code.', body: { schema: nothing, example: {} } }, { description: 'What the passkey signs.', schema: challenge }),
  change({ id: 'makeCode', tag: 'passkeys', path: '/api/passkeys/codes', summary: 'Makes a one-time code for another device.', body: { schema: adding, example: { at: 1, assertion } } }, handedOn('codeByPasskey')),

  look({ id: 'readInbox', tag: 'calls', path: '/api/inbox', summary: 'Lists what waits, newest first, 200 a page.', query: cursorQuery }, { description: 'A page.', schema: z.strictObject({ waiting: z.array(z.looseObject({})).meta({ description: 'As `listWaiting` of the approval service.' }), cursor: z.string().optional(), now: z.number() }) }),
  look({ id: 'watchInbox', tag: 'calls', path: '/api/inbox/stream', summary: 'The inbox as server-sent events: `inbox`, `trouble`, `signed-out`.', refusals: ['OVERLOADED'] }, { description: 'Events (text/event-stream) until the session ends.', as: 'text', schema: z.string() }),
  look({ id: 'listHistory', tag: 'calls', path: '/api/approvals', summary: 'Lists requests, newest first.', query: historyQuery }, handedOn('listApprovals')),
  look({ id: 'readCard', tag: 'calls', path: '/api/approvals/{id}', summary: 'Shows one request with its card.' }, handedOn('showApproval')),
  change({ id: 'challengeDecision', tag: 'calls', path: '/api/approvals/{id}/challenge', summary: 'Begins a decision: what proves it.', body: { schema: asking, example: DECIDED }, refusals: ['STATE_CHANGED', 'ISSUER_UNAVAILABLE', 'OVERLOADED'] }, { description: 'What a passkey signs, or where the browser goes.', schema: challenge }),
  change({ id: 'decide', tag: 'calls', path: '/api/approvals/{id}/decisions', summary: 'Hands on a decision with its passkey\'s proof.', body: { schema: deciding, example: { ...DECIDED, at: 1, assertion } } }, handedOn('decideApproval')),
  change({ id: 'openMailLink', tag: 'calls', path: '/api/mail-links', summary: 'Opens the request that a mail\'s link is for, once.', body: { schema: opening, example: { token: 'x' } }, refusals: ['STATE_CHANGED', 'APPROVAL_EXPIRED'] }, { description: 'Which request it is.', schema: z.strictObject({ approval: z.string() }), example: { approval: 'apr_7RkXo2m' } }),
  change({ id: 'revokeCall', tag: 'calls', path: '/api/approvals/{id}/revoke', summary: 'Withdraws a request or what approved it; for operators.', body: { schema: ending, example: { reason: 'no longer needed' } } }, handedOn('revokeApproval')),

  look({ id: 'listMyGrants', tag: 'rights', path: '/api/grants', summary: 'Lists patterns that run without asking.', query: grantsQuery }, handedOn('listGrants')),
  change({ id: 'endGrant', tag: 'rights', path: '/api/grants/{id}/revoke', summary: 'Revokes a pattern; for operators.', body: { schema: ending, example: { reason: 'enough' } } }, handedOn('revokeGrant')),
  look({ id: 'listOpenReviews', tag: 'rights', path: '/api/reviews', summary: 'Lists what break-glass left to be looked at.', query: reviewsQuery }, handedOn('listReviews')),
  change({ id: 'challengeReview', tag: 'rights', path: '/api/reviews/{id}/challenge', summary: 'Begins the close of a review: what proves it.', body: { schema: reviewing, example: { note: 'the outage was real' } }, refusals: ['ISSUER_UNAVAILABLE', 'OVERLOADED'] }, { description: 'What a passkey signs, or where the browser goes.', schema: challenge }),
  change({ id: 'closeMyReview', tag: 'rights', path: '/api/reviews/{id}/close', summary: 'Closes a review with a passkey\'s proof.', body: { schema: closing, example: { note: 'the outage was real', at: 1, assertion } } }, handedOn('closeReview')),
  look({ id: 'listSetLocks', tag: 'rights', path: '/api/locks', summary: 'Lists locks.' }, handedOn('listLocks')),
  change({ id: 'lock', tag: 'rights', path: '/api/locks', summary: 'Sets a lock; for operators.', body: { schema: locking, example: { scope: { kind: 'run', run: 'run-7' }, reason: 'it loops' } } }, handedOn('setLock')),
  change({ id: 'liftSetLock', tag: 'rights', path: '/api/locks/{id}/lift', summary: 'Lifts a lock; for operators.', body: { schema: ending, example: { reason: 'over' } } }, handedOn('liftLock')),

  look({ id: 'listRuns', tag: 'looking', path: '/api/runs', summary: 'Lists runs, made of 1,000 records a page.', query: cursorQuery }, { description: 'A page; a run may go on on the next.', schema: z.strictObject({ runs: z.array(run), cursor: z.string().optional() }) }),
  look({ id: 'readRun', tag: 'looking', path: '/api/runs/{run}', summary: 'Shows one run from its first call to its last.', query: runQuery }, handedOn('showSession')),
  look({ id: 'readLoad', tag: 'looking', path: '/api/load', summary: 'Says how much is asked of whom.', query: loadQuery }, handedOn('showLoad')),
]
