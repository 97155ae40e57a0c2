/** What an agent does with google-auth-library: the ADC file that it was given, exchanged and used as the library sees fit. */
import { createHash } from 'node:crypto'
import { systemClock } from '@lockkeeper/domain'
import { BaseExternalAccountClient, GoogleAuth } from 'google-auth-library'
import { describeBody, reporting } from './client-report.ts'
import type { Client, ClientReport } from './client-report.ts'

const SCOPES = ['https://www.googleapis.com/auth/cloud-platform']

interface PlainAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly data: unknown
}

export type ApiCall = (method: string, url: string, body?: unknown) => Promise<PlainAnswer>

async function authorisedCall(): Promise<ApiCall> {
  const client = await new GoogleAuth({ scopes: SCOPES }).getClient()
  return async (method, url, body) => {
    const answer = await client.request({
      method: method as 'GET' | 'POST', url, validateStatus: () => true, responseType: 'text', retry: false,
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    })
    const text = String(answer.data)
    return { status: answer.status, headers: Object.fromEntries(answer.headers), data: text.trimStart().startsWith('{') ? JSON.parse(text) : text }
  }
}

function reportOf({ status, headers, data }: PlainAnswer): ClientReport {
  return status < 300 ? { outcome: 'answered', status, headers, data } : { outcome: 'refused', refused: describeBody(status, data, `status ${status}`) }
}

/** `call-api METHOD URL [JSON]` */
export const callApi: Client = async ([method = 'GET', url = '', body]) => {
  const call = await authorisedCall()
  return reportOf(await call(method, url, body === undefined ? undefined : JSON.parse(body)))
}

/** Most often that one waiting call is sent: with the gateway's usual hold, some minutes. */
const MOST_SENDS = 40

/**
 * `add-binding PROJECT ROLE MEMBER`: reads the policy, sends the change until it is decided, then sends the very same
 * request once more, as a client does that lost the answer.
 */
export const addBinding: Client = async ([project = '', role = '', member = '']) => bindOnce(await authorisedCall(), project, role, member)

export async function bindOnce(call: ApiCall, project: string, role: string, member: string): Promise<ClientReport> {
  const base = `https://cloudresourcemanager.googleapis.com/v1/projects/${project}`
  const read = await call('POST', `${base}:getIamPolicy`, { options: { requestedPolicyVersion: 3 } })
  if (read.status !== 200) return reportOf(read)
  const { bindings = [], ...rest } = read.data as { readonly bindings?: readonly object[] }
  const body = { policy: { ...rest, bindings: [...bindings, { role, members: [member] }] } }
  let waits = 0
  let answer = await call('POST', `${base}:setIamPolicy`, body)
  while (answer.status === 428 && waits < MOST_SENDS) {
    waits += 1
    answer = await call('POST', `${base}:setIamPolicy`, body)
  }
  if (answer.status !== 200) return reportOf(answer)
  const again = await call('POST', `${base}:setIamPolicy`, body)
  return {
    outcome: 'answered', waits, status: answer.status, data: answer.data,
    again: { status: again.status, receipt: again.headers['x-lockkeeper-receipt'], sameAnswer: JSON.stringify(again.data) === JSON.stringify(answer.data) },
  }
}

/** `exchange-token URL`: gets a token for the ADC file, tells it by its hash alone, and uses it. */
export const exchangeToken: Client = ([url = '']) => reporting(async () => {
  const auth = new GoogleAuth({ scopes: SCOPES })
  const client = await auth.getClient()
  const { token, res } = await client.getAccessToken()
  if (typeof token !== 'string' || token === '') throw new TypeError('No token came back from the exchange')
  const answer = await client.request({ url, method: 'GET', retry: false })
  return {
    externalAccount: client instanceof BaseExternalAccountClient, tokenHash: createHash('sha256').update(token).digest('hex'), exchanged: res?.status ?? null,
    expiresInSeconds: typeof client.credentials.expiry_date === 'number' ? Math.round((client.credentials.expiry_date - systemClock.now()) / 1_000) : null, status: answer.status,
  }
})
