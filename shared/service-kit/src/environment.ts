/** Environment variables of the gateway's own: a name that nobody reads is a typing error, not something to ignore. */

export interface EnvironmentProblem { readonly name: string, readonly message: string }

/** Every `LOCKKEEPER_*` variable that is not among the known ones. */
export function unknownVariables(environment: Readonly<Record<string, string | undefined>>, known: readonly string[]): readonly EnvironmentProblem[] {
  return Object.keys(environment)
    .filter((name) => name.startsWith('LOCKKEEPER_') && !known.includes(name))
    .sort()
    .map((name) => ({ name, message: `is not known; known are ${known.join(', ')}` }))
}
