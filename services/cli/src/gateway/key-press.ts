/** The person at the terminal: shows each waiting call once and takes one key for it. Only a real terminal has keys. */
import type { ReadStream } from 'node:tty'

export interface Question { readonly id: string, readonly card: string }

export interface KeyPressDeps {
  readonly input: ReadStream
  readonly output: { write(text: string): unknown }
  readonly decide: (id: string, verdict: 'approve' | 'deny') => Promise<string>
  /** Ctrl-C: raw mode keeps the terminal from sending the signal itself. */
  readonly onInterrupt: () => void
}

export interface KeyPress {
  ask(question: Question): void
  /** The question is over: somebody else decided, or it expired. */
  settled(id: string): void
  close(): void
}

const MAX_QUESTIONS = 1000
const KEYS: Readonly<Record<string, 'approve' | 'deny' | 'skip'>> = { a: 'approve', d: 'deny', s: 'skip' }

export function openKeyPress({ input, output, decide, onInterrupt }: KeyPressDeps): KeyPress {
  const waiting: Question[] = []
  let shown: string | undefined
  let deciding = false
  const show = (): void => {
    const first = waiting[0]
    if (first === undefined || first.id === shown) return
    shown = first.id
    const more = waiting.length > 1 ? ` (${waiting.length - 1} more after it)` : ''
    output.write(`\n${first.card}\n${first.id}: a approve · d deny · s later${more}\n`)
  }
  const finish = (id: string): void => {
    const index = waiting.findIndex((one) => one.id === id)
    if (index !== -1) waiting.splice(index, 1)
    show()
  }
  const press = (data: Buffer): void => {
    const key = data.toString('utf8')
    if (key === '\u0003' || key === '\u0004') return onInterrupt()
    const verdict = KEYS[key.toLowerCase()]
    const first = waiting[0]
    if (verdict === undefined || first === undefined || deciding) return
    if (verdict === 'skip') {
      output.write(`${first.id}: still waiting; lockkeeper approvals list shows it\n`)
      return finish(first.id)
    }
    deciding = true
    decide(first.id, verdict).then((state) => output.write(`${first.id}: ${state}\n`), (error: Error) => output.write(`${first.id}: ${error.message}\n`))
      .finally(() => {
        deciding = false
        finish(first.id)
      })
  }
  input.setRawMode(true)
  input.resume()
  input.on('data', press)
  return {
    ask(question) {
      if (waiting.length >= MAX_QUESTIONS) return void output.write(`${question.id}: too many are waiting here; lockkeeper approvals list shows it\n`)
      waiting.push(question)
      show()
    },
    settled: finish,
    close() {
      input.off('data', press)
      input.setRawMode(false)
      input.pause()
    },
  }
}
