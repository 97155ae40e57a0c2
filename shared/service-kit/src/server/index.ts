/** What makes a service a process of its own: server, errors, callers, settings, a bounded end. Not for the command: it loads express. */
export { callerOf, onlyFor, type VerifyCaller } from './callers.ts'
export { blobsSchema, callersSchema, identitySchema, pusherSchema, secretsSchema, serviceSettings, signerSchema, trustedKeySchema, type BlobsSetting, type CallersSetting, type IdentitySetting, type PusherSetting, type SecretsSetting, type SignerSetting, type TrustedKeySetting } from './cloud-schema.ts'
export { frame, FRAME_TYPE, unframe, type Frame } from './frame.ts'
export { loadServiceSettings, modeProblems, type LoadedSettings, type PathProblem } from './load-settings.ts'
export { problemOf, sendProblem, sendVerdict, type Problem } from './problem.ts'
export { BODY_BYTES, rawBody, strictJson } from './request-body.ts'
export { runServiceProcess, type ProcessLike, type RunningService, type ServiceProcessOptions } from './service-process.ts'
export { createServiceServer, requestId, type Mount, type ServerLimits, type ServiceServer, type ServiceServerOptions } from './service-server.ts'
