/** Variables that Google's libraries read by themselves, and with which they would do what nobody configured. */

type Environment = Readonly<Record<string, string | undefined>>

const UNSAFE: Readonly<Record<string, string>> = {
  // Invariant 3.
  GOOGLE_SDK_NODE_LOGGING: 'Google\'s clients would write requests and answers, secrets included, to the log',
  // Invariant 14.
  STORAGE_EMULATOR_HOST: 'blobs would go elsewhere than to the bucket that is configured',
}

/** TypeError where one of them is set. Default: the environment of the process. */
export function refuseUnsafeEnvironment(environment: Environment = process.env): void {
  const found = Object.entries(UNSAFE).filter(([name]) => environment[name] !== undefined && environment[name] !== '')
  if (found.length > 0) throw new TypeError(found.map(([name, why]) => `unset ${name}: ${why}`).join('; '))
}
