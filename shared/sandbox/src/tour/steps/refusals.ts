/** What an agent is refused, and that nothing of it reaches the upstream. */
import { CREDENTIAL_CANARY } from '../../upstream/iam.ts'
import { PROJECT } from '../../upstream/world.ts'
import { refused, runSandboxClient, shortened } from '../client-report.ts'
import type { TourContext, TourStep } from '../context.ts'
import { expect } from '../context.ts'
import { rawConnect, rawRequest } from '../raw-request.ts'
import type { RawReply } from '../raw-request.ts'

const BUCKET = 'old-backups'

export const denied: TourStep = {
  title: 'a denied method names its rule and the smallest change that would be allowed',
  async run(context, say) {
    const { report } = await runSandboxClient(context, 'delete-bucket', [BUCKET])
    const { status, message, metadata } = refused(report)
    expect(status === 403, `the status is ${status}, not 403`)
    const rule = metadata?.rule ?? ''
    expect(message.includes('sandbox-agents/buckets-stay') || rule === 'sandbox-agents/buckets-stay', `the rule is not named: ${message}`)
    expect(metadata?.wouldAllow !== undefined || /would be allowed/i.test(message), `nothing is said about what would be allowed: ${message}`)
    expect(context.upstream.requests.count({ method: 'DELETE', path: /\/b\/old-backups/ }) === 0, 'the call reached the upstream')
    say(shortened(message, 220))
    if (metadata?.wouldAllow !== undefined) say(`would be allowed: ${shortened(metadata.wouldAllow)}`)
  },
}

export const noKeys: TourStep = {
  title: 'a key creation is refused, although a careless rule allows it',
  async run(context, say) {
    const url = `https://iam.googleapis.com/v1/projects/${PROJECT.id}/serviceAccounts/deploy-bot@${PROJECT.id}.iam.gserviceaccount.com/keys`
    const { report, text } = await runSandboxClient(context, 'call-api', ['POST', url, '{}'])
    const { status, reason, message } = refused(report)
    expect(status === 403 && reason === 'MINTS_CREDENTIAL', `refused with ${status} ${reason}: ${message}`)
    expect(!text.includes(CREDENTIAL_CANARY) && context.upstream.requests.count({ path: /\/keys/ }) === 0, 'the call reached the upstream')
    say(shortened(message))
  },
}

interface Attempt { readonly what: string, make(context: TourContext): Promise<RawReply> }

const ATTEMPTS: readonly Attempt[] = [
  { what: 'a GET that X-HTTP-Method-Override turns into DELETE', make: (context) => rawRequest(context, 'GET', `/storage.googleapis.com/storage/v1/b/${BUCKET}`, { 'x-http-method-override': 'DELETE' }) },
  { what: 'a path whose slashes are encoded', make: (context) => rawRequest(context, 'GET', `/storage.googleapis.com/storage/v1%2Fb%2F${BUCKET}`) },
  { what: 'a second identity in ?access_token=', make: (context) => rawRequest(context, 'GET', `/storage.googleapis.com/storage/v1/b/${BUCKET}?access_token=other`) },
  { what: 'a tunnel to the metadata server', make: (context) => rawConnect(context, '169.254.169.254:80') },
  { what: 'a tunnel to a host that is no target', make: (context) => rawConnect(context, 'example.com:443') },
]

export const wayRound: TourStep = {
  title: 'attempts to slip round are refused',
  async run(context, say) {
    for (const { what, make } of ATTEMPTS) {
      const before = context.upstream.requests.total
      const reply = await make(context)
      expect(reply.status >= 400 && reply.status < 500, `${what} was answered with ${reply.status}`)
      expect(context.upstream.requests.total === before, `${what} reached the upstream`)
      say(`${what}: ${reply.status} ${reply.reason ?? ''}`.trimEnd())
    }
  },
}
