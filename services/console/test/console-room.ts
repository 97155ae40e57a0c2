/** Tests only: a console before services that answer what a test says, and a browser's worth of cookies. */
import { openSqlite, type SqliteStore } from '@lockkeeper/adapter-sqlite'
import { createPeopleDirectory, createApproverVerifier } from '@lockkeeper/auth'
import { systemClock } from '@lockkeeper/domain'
import type { DocumentStore } from '@lockkeeper/domain/ports'
import type { Log } from '@lockkeeper/service-kit'
import { aPerson, manualClock, tempDir, type ManualClock } from '@lockkeeper/testkit'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { request, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { collections, createConsoleService, createOidcClient, openConsoleServer, type ConsoleServer, type ProxyIdentity, type ServiceApi } from '../src/service.ts'
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
  readonly store: SqliteStore
  /** Where the store's files are. */
  readonly folder: string
  answers: (request: ServiceRequest) => ServiceAnswer | undefined
  browser(): Browser
  close(): Promise<void>
}

/** `beside`: another instance, over the same store and clock. */
export interface RoomOptions { readonly decideBy?: 'passkey' | 'idToken', readonly idp?: StandInIdp, readonly iap?: ProxyIdentity, readonly beside?: Room, readonly documents?: DocumentStore, readonly mailLinkKey?: Uint8Array }

export const PEOPLE = [aPerson({ id: 'ada', groups: ['approvers'], identities: [{ issuer: 'people', subject: 'ada' }] }), aPerson({ id: 'vic', groups: [], identities: [{ issuer: 'people', subject: 'vic' }] }), aPerson({ id: 'gone', disabled: true, groups: ['approvers'], identities: [{ issuer: 'people', subject: 'gone' }] })]

export async function openRoom({ decideBy = 'passkey', idp, iap, beside, documents, mailLinkKey }: RoomOptions = {}): Promise<Room> {
  const clock = beside?.clock ?? manualClock(Date.now())
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
  const store = beside?.store ?? await openSqlite({ file: join(folder, 'store.sqlite'), collections, clock })
  mkdirSync(join(folder, 'assets'))
  writeFileSync(join(folder, 'index.html'), '<!doctype html><title>page</title>')
  writeFileSync(join(folder, 'assets/index-abc.js'), 'export {}')
  const verifier = idp === undefined ? undefined : createApproverVerifier({ issuers: [{ name: 'people', issuer: idp.issuer, audience: CLIENT, jwks: idp.jwks, algorithms: ['EdDSA'] }], people, clock: systemClock, mode: 'sandbox' })
  const clients = idp === undefined || verifier === undefined ? [] : [createOidcClient({ name: 'people', label: 'the people\'s provider', issuer: idp.issuer, clientId: CLIENT, mode: 'sandbox', clock: systemClock, verify: (token, nonce) => verifier.verifyApproverToken(token, nonce) })]
  const listening: { server?: ConsoleServer } = {}
  const address = (): string => `http://localhost:${listening.server?.port ?? 0}`
  const origin = (): string => beside?.origin ?? address()
  const service = createConsoleService({ clock, documents: documents ?? store.documents, log, people, approval: api, audit: api, page: async () => folder, origin, clients, mailLinkKey, ...iap === undefined ? {} : { iap } }, { mode: 'sandbox', operators: 'approvers', decideBy }, false)
  listening.server = await openConsoleServer(service.routes, { port: 0, log })
  return Object.assign(room, {
    origin: origin(), clock, asked, logged, store, folder, browser: () => createBrowser(origin(), address()),
    async close() {
      await service.drain()
      await listening.server?.close()
      if (beside === undefined) await store.close()
    },
  })
}

/** Where several instances stand behind one origin, each is asked at its own address. */
function createBrowser(origin: string, address: string): Browser {
  let csrf = ''
  const browser: Browser = {
    cookies: new Map(),
    async fetch(path, { method = 'GET', body, headers = {}, signal } = {}) {
      const response = await askAt(address, path, {
        method, ...body === undefined ? {} : { body: JSON.stringify(body) }, ...signal === undefined ? {} : { signal },
        headers: { host: new URL(origin).host, cookie: [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; '), ...method === 'GET' ? {} : { origin, 'sec-fetch-site': 'same-origin', 'content-type': 'application/json', 'x-lockkeeper-csrf': csrf }, ...headers },
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

/** `fetch` names the host that it connects to, whatever it is told. Redirects are not followed. */
export async function askAt(address: string, path: string, { method, headers, body, signal }: { readonly method?: string, readonly headers?: Readonly<Record<string, string>>, readonly body?: string, readonly signal?: AbortSignal }): Promise<Response> {
  const sent = request(new URL(path, address), { ...method === undefined ? {} : { method }, headers: { ...headers, connection: 'close' }, ...signal === undefined ? {} : { signal } }).end(body)
  const [answer] = await once(sent, 'response') as [IncomingMessage]
  const given = new Headers(Object.entries(answer.headersDistinct).flatMap(([name, values]) => (values ?? []).map((value): [string, string] => [name, value])))
  const status = answer.statusCode ?? 0
  return new Response(status === 204 || status === 304 ? null : Readable.toWeb(answer) as ReadableStream<Uint8Array>, { status, headers: given })
}

/** Signs in through the provider. */
export async function signIn(browser: Browser, idp: StandInIdp): Promise<Response> {
  const away = await browser.fetch('/sign-in/with/people')
  const back = idp.authorise(away.headers.get('location') ?? '')
  return browser.fetch(back.pathname + back.search)
}
