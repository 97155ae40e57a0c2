/** Operations about grants, reviews of break-glass, and load. */
import { EVENT_DATA } from '@lockkeeper/domain/events'
import { operation } from '@lockkeeper/service-kit/server'
import { z } from 'zod'
import { challengeSchema } from './approval-schemas.ts'
import { grantDetail, grantPage, grantSchema, loadReport, reviewSchema } from './grant-schemas.ts'
import { by, byId, flag, page, reason } from './names.ts'

const note = z.string().trim().min(1).max(2000)

export const listGrants = operation({
  id: 'listGrants', method: 'get', path: '/v1/grants', tag: 'grants', summary: 'Lists grants, newest first.',
  query: z.strictObject({ all: flag.optional().meta({ description: 'Also those that are over.' }), ...page }), answer: { description: 'A page of grants.', schema: grantPage, example: { grants: [] } },
})

export const showGrant = operation({
  id: 'showGrant', method: 'get', path: '/v1/grants/{id}', tag: 'grants', summary: 'Shows one grant with what was done under it.', params: byId, answer: { description: 'The grant and its latest uses.', schema: grantDetail }, refusals: ['NOT_FOUND'],
})

export const revokeGrant = operation({
  id: 'revokeGrant', method: 'post', path: '/v1/grants/{id}/revoke', tag: 'grants', summary: 'Ends a grant: nothing is claimed under it from this moment on, on any instance.', params: byId,
  body: { schema: z.strictObject({ by, reason }), example: { by: 'ana', reason: 'the migration is done' } }, answer: { description: 'The grant as it is now.', schema: grantSchema }, refusals: ['NOT_FOUND'],
})

export const listReviews = operation({
  id: 'listReviews', method: 'get', path: '/v1/reviews', tag: 'reviews', summary: 'Lists reviews of break-glass, newest first, at most 200.',
  query: z.strictObject({ open: flag.optional().meta({ description: 'Default: those that are open.' }) }), answer: { description: 'The reviews.', schema: z.strictObject({ reviews: z.array(reviewSchema) }), example: { reviews: [] } },
})

export const closeReview = operation({
  id: 'closeReview', method: 'post', path: '/v1/reviews/{id}/close', tag: 'reviews', summary: 'Closes a review, with a proof of the person who looked.', params: byId,
  body: {
    schema: z.strictObject({ review: z.string().max(256).optional(), note, proof: EVENT_DATA['decision.submitted'].shape.proof }), bytes: 256 * 1024,
    example: { note: 'The disk was full; the deletion was right.', proof: { kind: 'idToken', token: 'HEADER.PAYLOAD.SIGNATURE' } },
  },
  answer: { description: 'The closed review.', schema: reviewSchema }, refusals: ['NOT_FOUND', 'TOKEN_INVALID', 'POLICY_DENIED', 'ISSUER_UNAVAILABLE'],
})

export const challengeReview = operation({
  id: 'challengeReview', method: 'post', path: '/v1/reviews/{id}/challenge', tag: 'reviews', summary: 'Says what a proof of exactly this closing has to carry.', params: byId,
  body: { schema: z.strictObject({ note }), example: { note: 'The disk was full; the deletion was right.' } }, answer: { description: 'The challenges.', schema: challengeSchema },
})

export const showLoad = operation({
  id: 'showLoad', method: 'get', path: '/v1/load', tag: 'load', summary: 'Says how much was asked of whom in the last days.',
  query: z.strictObject({ days: z.coerce.number().int().min(1).max(90).optional().meta({ description: 'Today included, in UTC. Default 7.' }) }),
  answer: { description: 'Persons and rules, busiest first.', schema: loadReport, example: { days: 7, from: '2026-11-18', persons: [], rules: [] } },
})
