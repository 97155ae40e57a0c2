/**
 * Two pages without script. The way back from another site carries no strict cookie, and neither does a redirect of it; a page of our
 * own that goes on by itself does.
 */
import { ERRORS, type Refusal } from '@lockkeeper/domain/errors'
import type { Response } from 'express'

/** `path` is ours. */
export function onwardPage(response: Response, path: string): void {
  send(response, 200, `<meta http-equiv="refresh" content="0;url=${escaped(path)}">`, `<h1>Signed in</h1><p><a href="${escaped(path)}">Continue</a></p>`)
}

export function problemPage(response: Response, { reason, message }: Refusal): void {
  send(response, ERRORS[reason].http, '', `<h1>That did not work</h1><p>${escaped(message)}</p><p><a href="/">Back to the console</a></p>`)
}

function send(response: Response, status: number, head: string, body: string): void {
  response.status(status).type('html').send(`<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Lockkeeper</title>${head}</head><body><main>${body}</main></body></html>`)
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
