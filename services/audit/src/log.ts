/** The part of a pino logger that this service uses. Nothing secret is ever given to it. */
export interface Log {
  info(facts: object, message: string): void
  warn(facts: object, message: string): void
  error(facts: object, message: string): void
}
