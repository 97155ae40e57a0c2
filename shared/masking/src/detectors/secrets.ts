import type { Detector } from './detector.ts'
import { tokenDetector } from './detector.ts'

/** API keys: the classic `AIza…` and the keys bound to a service account, `AQ.…`. */
export const googleApiKey = tokenDetector('google-api-key', /AIza|AQ\./, [/AIza[\w-]{30,}/g, /(?<![^\W_])AQ\.[\w-]{40,}/g])

/** Access tokens `ya29.…`, refresh tokens `1//…`, authorization codes `4/0…`, client secrets `GOCSPX-…`. */
export const googleOauthToken = tokenDetector('google-oauth-token', /ya29\.|1\/\/|4\/0|GOCSPX-/, [
  /ya29\.[\w.~+/-]{8,}/g,
  /(?<![^\W_])1\/\/[\w-]{20,}/g,
  /(?<![^\W_])4\/0[\w-]{20,}/g,
  /GOCSPX-[\w-]{20,}/g,
])

export const awsKey = tokenDetector('aws-key', /A(?:KI|SI|BI|CC)A/, [/A(?:KI|SI|BI|CC)A[A-Z2-7]{16,}/g])

export const githubToken = tokenDetector('github-token', /gh[pousr]_|github_pat_/, [/gh[pousr]_\w{30,}/g, /github_pat_\w{22,}/g])

export const slackToken = tokenDetector('slack-token', /xox[a-z]|xapp-|hooks\.slack\.com/, [
  /xox[a-z](?:\.xox[a-z])?-[\w-]{11,}/g,
  /xapp-[\w-]{11,}/g,
  /hooks\.slack\.com\/(?:services|workflows|triggers)\/[\w/]{10,}/g,
])

const JWT_TAIL = /={0,2}\.[\w-]*={0,2}\.[\w-]*(?:\.[\w-]*){0,2}/y
const JWT_UNSIGNED = /={0,2}\.eyJ[\w-]*/y

/** Signed and encrypted tokens in compact form, unsigned ones too; they begin with a header that is base64url of `{"`. */
export const jwt: Detector = {
  name: 'jwt',
  hint: /eyJ/,
  find(text, add) {
    // The pattern consumes the header's whole run, so a run with many beginnings is walked once.
    for (const header of text.matchAll(/eyJ[\w-]{12,}/g)) {
      const end = header.index + header[0].length
      for (const tail of [JWT_TAIL, JWT_UNSIGNED]) {
        tail.lastIndex = end
        if (!tail.test(text)) continue
        add(header.index, tail.lastIndex)
        break
      }
    }
  },
}

const CREDENTIALS = /[^\s/@:?#"'<>]{0,128}:[^\s/@"'<>]{1,256}@/y

/** User and password of a URL: `postgres://user:password@host`. The rest of the URL stays. */
export const urlPassword: Detector = {
  name: 'url-password',
  hint: /:\/\/[^\s/@:?#"'<>]{0,128}:/,
  find(text, add) {
    for (let at = text.indexOf('://'); at !== -1; at = text.indexOf('://', at + 3)) {
      CREDENTIALS.lastIndex = at + 3
      if (CREDENTIALS.test(text)) add(at + 3, CREDENTIALS.lastIndex - 1)
    }
  },
}
