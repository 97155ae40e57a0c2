/**
 * Links of mails: each opens one request, for the person whom the mail was for, once. A link is an address that nobody can swap and no
 * credential: looking at its page (GET) uses nothing up and shows nothing; what opens it is the signed-in person's own page, and
 * what decides is their own proof (invariant 7).
 */
import { sha256 } from '@lockkeeper/domain/digest'
import { refuse, type Refusal } from '@lockkeeper/domain/errors'
import { MOST_MAIL_LINK, readMailLink, type MailLink } from '@lockkeeper/domain/mail-link'
import type { Clock, Person } from '@lockkeeper/domain'
import type { DocumentStore } from '@lockkeeper/domain/ports'
import { sendProblem } from '@lockkeeper/service-kit/server'
import type { Router } from 'express'
import { z } from 'zod'
import { answer, give } from './answers.ts'
import { signedInOf, type People } from './api-session.ts'
import type { ApprovalDetail, OpenedLink } from './api-types.ts'
import { openedLinks } from './collections.ts'
import type { ServiceApi } from './service-api.ts'

export interface MailLinkParts {
  readonly approval: ServiceApi
  readonly documents: DocumentStore
  readonly people: People
  readonly clock: Clock
  /** What the notifier signs with; undefined: links of mails are none of ours. */
  readonly key: Uint8Array | undefined
}

export const opening = z.strictObject({ token: z.string().max(MOST_MAIL_LINK) })
/** Longer than clocks differ: a link that is over is refused by its time before it could be forgotten. */
const REMEMBER_MS = 86_400_000

export function addMailLinkRoutes(router: Router, parts: MailLinkParts): void {
  const { approval } = parts
  router.post('/api/mail-links', answer(async (request, response) => {
    const { token } = opening.parse(request.body)
    const { person } = signedInOf(request)
    const link = linkFor(parts, token, person)
    if ('reason' in link) return sendProblem(response, link)
    const found = await approval.call({ method: 'GET', path: `/v1/approvals/${encodeURIComponent(link.approval)}` })
    if (found.status >= 400) return give(response, found)
    if ((found.body as ApprovalDetail).approval.digest !== link.digest) return sendProblem(response, CHANGED)
    if (!await useUp(parts, token, link, person)) return sendProblem(response, USED)
    response.json({ approval: link.approval } satisfies OpenedLink)
  }))
}

const FOREIGN = refuse('REQUEST_INVALID', 'This link is none of ours, or was changed on its way: it is not followed. Nothing was decided. What waits for you is in your inbox.')
const CHANGED = refuse('STATE_CHANGED', 'The call is not the one that the mail was about. Nothing was decided; look for it in your inbox.')
const USED = refuse('STATE_CHANGED', 'This link was opened before; each opens once. Nothing was decided by that. If the call still waits, it is in your inbox.')

function linkFor({ people, clock, key }: MailLinkParts, token: string, { id }: Person): MailLink | Refusal {
  const link = key === undefined ? undefined : readMailLink(token, key)
  if (link === undefined) return FOREIGN
  if (link.person !== id) return refuse('CALLER_REFUSED', `This link is for ${people.byId(link.person)?.name ?? 'somebody else'}, and you are signed in as somebody else. Nothing was decided. Sign out and in again as them if that is you, or look into your inbox.`)
  return clock.now() < link.until ? link : refuse('APPROVAL_EXPIRED', 'This link is over: the request was open until then. Running out of time is no denial; how it went on is in the history.')
}

/** Once, on whichever instance. */
async function useUp({ documents }: MailLinkParts, token: string, { approval, until }: MailLink, { id }: Person): Promise<boolean> {
  const ref = { collection: openedLinks, id: sha256(token) }
  const first = await documents.transact<boolean>([ref], ([before], now) => before === undefined
    ? { writes: [{ kind: 'create', ref, data: { approval, person: id, at: now, deleteAt: until + REMEMBER_MS } }], facts: [], result: true }
    : { writes: [], facts: [], result: false })
  return first === true
}
