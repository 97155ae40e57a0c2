/** What every service needs around its core: settings, logs without secrets, an admin listener. */
export { unknownVariables, type EnvironmentProblem } from './environment.ts'
export { createLogger, LOG_LEVELS, type Log, type LoggerOptions, type LogLevel } from './logger.ts'
export { checkedLookup, ForbiddenAddress, isForbidden, type LookupCallback } from './public-addresses.ts'
export { repeat, type RepeatedWork, type RepeatOptions } from './repeated-work.ts'
export { startWhenAvailable, type PatientStart, type StartOptions } from './start-when-available.ts'
export { strike } from './strike.ts'
export { formatProblems, readSettingsFile, type SettingsProblem, type SettingsResult, type SettingsSource } from './settings-file.ts'
