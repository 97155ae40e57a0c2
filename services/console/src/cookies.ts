/** Two cookies: the session, which no other site's request carries, and the one that binds a sign-in to the browser that began it. */
import type { Request, Response } from 'express'

export interface Cookies {
  session(request: Request): string | undefined
  login(request: Request): string | undefined
  setSession(response: Response, id: string): void
  setLogin(response: Response, value: string): void
  clear(response: Response): void
}

const LOGIN_SECONDS = 600
const VALUE = /^[\w-]{20,100}$/

/**
 * Over https `__Host-` names (RFC 6265bis: Secure, no Domain, Path=/). Plain http exists on loopback only (the embedded edition), where
 * browsers refuse that prefix: the names are without it there.
 */
export function createCookies(secure: boolean): Cookies {
  const prefix = secure ? '__Host-' : ''
  const [session, login] = [`${prefix}lockkeeper-session`, `${prefix}lockkeeper-login`]
  const attributes = `; Path=/; HttpOnly${secure ? '; Secure' : ''}`
  return {
    session: (request) => cookieOf(request, session),
    login: (request) => cookieOf(request, login),
    setSession: (response, id) => void response.append('set-cookie', `${session}=${id}${attributes}; SameSite=Strict`),
    // The way back from an identity provider is another site's navigation, so it cannot be Strict; it opens nothing by itself.
    setLogin: (response, value) => void response.append('set-cookie', `${login}=${value}${attributes}; SameSite=Lax; Max-Age=${LOGIN_SECONDS}`),
    clear(response) {
      for (const name of [session, login]) response.append('set-cookie', `${name}=${attributes}; SameSite=Strict; Max-Age=0`)
    },
  }
}

/** A name that stands twice names nothing: one of the two was planted. */
function cookieOf(request: Request, name: string): string | undefined {
  const found = (request.headers.cookie ?? '').split(';').map((part) => part.trim()).filter((part) => part.startsWith(`${name}=`)).map((part) => part.slice(name.length + 1))
  return found.length === 1 && VALUE.test(found[0] as string) ? found[0] : undefined
}
