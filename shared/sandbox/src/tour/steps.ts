/** The tour, in order. */
import type { TourStep } from './context.ts'
import { approvedOnce } from './steps/approval.ts'
import { externalAccount, withCurl, withGcloud } from './steps/other-clients.ts'
import { copyMediaThrough, listMasked, queryMasked } from './steps/reading.ts'
import { credentialsApart, logVerified, timeline } from './steps/records.ts'
import { denied, noKeys, wayRound } from './steps/refusals.ts'

export const TOUR_STEPS: readonly TourStep[] = [
  listMasked, copyMediaThrough, queryMasked, denied, noKeys, wayRound, approvedOnce, externalAccount, withCurl, withGcloud, timeline, logVerified, credentialsApart,
]
