/** What every request passes before any route: headers that bind browsers, the right host, and no other site's hand in what changes anything. */
import { refuse } from '@lockkeeper/domain/errors'
import { sendProblem } from '@lockkeeper/service-kit/server'
import type { Request, RequestHandler } from 'express'

export const CSRF_HEADER = 'x-lockkeeper-csrf'

/** Nothing inline, nothing from elsewhere, no frames around it, no text that becomes script. */
const CONTENT_SECURITY_POLICY = [
  'default-src \'none\'', 'script-src \'self\'', 'style-src \'self\'', 'img-src \'self\'', 'connect-src \'self\'', 'base-uri \'none\'', 'form-action \'none\'',
  'frame-ancestors \'none\'', 'require-trusted-types-for \'script\'', 'trusted-types \'none\'',
].join('; ')

export function securityHeaders(secure: boolean): RequestHandler {
  return (_request, response, next) => {
    response.set({
      'content-security-policy': CONTENT_SECURITY_POLICY, 'x-content-type-options': 'nosniff', 'x-frame-options': 'DENY', 'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin', 'cross-origin-resource-policy': 'same-origin', 'permissions-policy': 'publickey-credentials-get=(self), publickey-credentials-create=(self), camera=(), geolocation=(), microphone=()',
      'cache-control': 'no-store', ...secure ? { 'strict-transport-security': 'max-age=31536000; includeSubDomains' } : {},
    })
    next()
  }
}

/** A name that an attacker's DNS points here is not ours: pages of it could read what we answer. */
export function onlyHost(origin: () => string): RequestHandler {
  return (request, response, next) => {
    if (request.headers.host === new URL(origin()).host) return next()
    sendProblem(response, refuse('REQUEST_INVALID', `This is the console of ${origin()}; use that address.`), 421)
  }
}

/**
 * Fetch metadata and Origin (WHATWG Fetch): what changes anything comes from our own page; answers of the API are read by it alone.
 * The session's token comes on top, see api-session.ts.
 */
export function onlyOwnPage(origin: () => string): RequestHandler {
  return (request, response, next) => {
    const site = request.headers['sec-fetch-site']
    const reads = request.method === 'GET' || request.method === 'HEAD'
    if (reads ? isOwnSite(request, site) : site === undefined || site === 'same-origin') {
      if (reads || request.headers.origin === origin()) return next()
    }
    sendProblem(response, refuse('CALLER_REFUSED', 'The request does not come from the console\'s own page.'))
  }
}

/** Pages may be come to from anywhere; the API may not. */
function isOwnSite({ path }: Request, site: string | string[] | undefined): boolean {
  return !path.startsWith('/api/') || site === undefined || site === 'same-origin'
}
