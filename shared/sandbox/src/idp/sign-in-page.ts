/** Where one says who one is, at the sandbox's identity provider for people. */

export function signInPage(action: string, people: readonly string[]): string {
  const buttons = people.map((person) => `<p><button name="person" value="${escaped(person)}">${escaped(person)}</button></p>`).join('')
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Sandbox: who are you?</title></head><body><main><h1>Who are you?</h1><p>This is the sandbox: there are no passwords.</p><form method="post" action="${escaped(action)}">${buttons}</form></main></body></html>`
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
