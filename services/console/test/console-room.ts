/** Tests only: a console before services that answer what a test says, and a browser's worth of cookies. */
import { createPeopleDirectory, createApproverVerifier } from '@lockkeeper/auth'
import { systemClock } from '@lockkeeper/domain'
import type { Log } from '@lockkeeper/service-kit'
import { aPerson, manualClock, tempDir, type ManualClock } from '@lockkeeper/testkit'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createConsoleService, createOidcClient, openConsoleServer, type ConsoleServer, type ProxyIdentity, type ServiceApi } from '../src/service.ts'
import type { ServiceAnswer, ServiceRequest } from '../src/service-api.ts'
import { CLIENT, type StandInIdp } from './stand-in-idp.ts'

export interface Browser {
  cookies: Map<string, string>
  /** As the console's own page asks, with the session's token once there is one. */
  fetch(path: string, init?: { readonly method?: string, readonly body?: unknown, readonly headers?: Readonly<Record<string, string>>, readonly signal?: AbortSignal }): Promise<Response>
  /** Asks who is signed in and remembers the token. */
  me(): Promise<Response>
}

export interface Room {
  readonly origin: string
  readonly clock: ManualClock
  /** What was asked of the other services. */
  readonly asked: ServiceRequest[]
  readonly logged: string[]
  answers: (request: ServiceRequest) => ServiceAnswer | undefined
  browser(): Browser
  close(): Promise<void>
}

export interface RoomOptions { readonly decideBy?: 'passkey' | 'idToken', readonly idp?: StandInIdp, readonly iap?: ProxyIdentity, readonly everyMs?: number }

export const PEOPLE = [aPerson({ id: 'ada', groups: ['approvers'], identities: [{ issuer: 'people', subject: 'ada' }] }), aPerson({ id: 'vic', groups: [], identities: [{ issuer: 'people', subject: 'vic' }] }), aPerson({ id: 'gone', disabled: true, groups: ['approvers'], identities: [{ issuer: 'people', subject: 'gone' }] })]

export async function openRoom({ decideBy = 'passkey', idp, iap }: RoomOptions = {}): Promise<Room> {
  const clock = manualClock(Date.now())
  const asked: ServiceRequest[] = []
  const logged: string[] = []
  const write = (facts: object, message: string): void => void logged.push(`${message} ${JSON.stringify(facts)}`)
  const log: Log = { debug: write, info: write, warn: write, error: write }
  const people = createPeopleDirectory(PEOPLE)
  const room: Pick<Room, 'answers'> = { answers: () => undefined }
  const api: ServiceApi = { call: async (request) => {
    asked.push(request)
    return room.answers(request) ?? { status: 200, body: {} }
  } }
  const folder = tempDir()
  mkdirSync(join(folder, 'assets'))
  writeFileSync(join(folder, 'index.html'), '<!doctype html><title>page</title>')
  writeFileSync(join(folder, 'assets/index-abc.js'), 'export {}')
  const verifier = idp === undefined ? undefined : createApproverVerifier({ issuers: [{ name: 'people', issuer: idp.issuer, audience: CLIENT, jwks: idp.jwks, algorithms: ['EdDSA'] }], people, clock: systemClock, mode: 'sandbox' })
  const clients = idp === undefined || verifier === undefined ? [] : [createOidcClient({ name: 'people', label: 'the people\'s provider', issuer: idp.issuer, clientId: CLIENT, mode: 'sandbox', clock: systemClock, verify: (token, nonce) => verifier.verifyApproverToken(token, nonce) })]
  const listening: { server?: ConsoleServer } = {}
  const origin = (): string => `http://localhost:${listening.server?.port ?? 0}`
  const service = createConsoleService({ clock, log, people, approval: api, audit: api, page: async () => folder, origin, clients, ...iap === undefined ? {} : { iap } }, { mode: 'sandbox', operators: 'approvers', decideBy }, false)
  listening.server = await openConsoleServer(service.routes, { port: 0, log })
  return Object.assign(room, {
    origin: origin(), clock, asked, logged, browser: () => createBrowser(origin()),
    async close() {
      await service.drain()
      await listening.server?.close()
    },
  })
}

function createBrowser(origin: string): Browser {
  let csrf = ''
  const browser: Browser = {
    cookies: new Map(),
    async fetch(path, { method = 'GET', body, headers = {}, signal } = {}) {
      const response = await fetch(new URL(path, origin), {
        method, redirect: 'manual', ...body === undefined ? {} : { body: JSON.stringify(body) }, ...signal === undefined ? {} : { signal },
        headers: { cookie: [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; '), ...method === 'GET' ? {} : { origin, 'sec-fetch-site': 'same-origin', 'content-type': 'application/json', 'x-lockkeeper-csrf': csrf }, ...headers },
      })
      for (const cookie of response.headers.getSetCookie()) {
        const [pair = '', ...attributes] = cookie.split('; ')
        const [name = '', value = ''] = pair.split('=')
        if (attributes.includes('Max-Age=0')) browser.cookies.delete(name)
        else browser.cookies.set(name, value)
      }
      return response
    },
    async me() {
      const response = await browser.fetch('/api/me')
      if (response.ok) csrf = (await response.clone().json() as { readonly csrf: string }).csrf
      return response
    },
  }
  return browser
}

/** Signs in through the provider. */
export async function signIn(browser: Browser, idp: StandInIdp): Promise<Response> {
  const away = await browser.fetch('/sign-in/with/people')
  const back = idp.authorise(away.headers.get('location') ?? '')
  return browser.fetch(back.pathname + back.search)
}
