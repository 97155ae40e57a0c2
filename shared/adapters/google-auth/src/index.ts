export { adcSource, idTokenSource, impersonateSource, noneSource, secretSource, type AdcSettings, type DownscopeSettings, type IdTokenSettings, type ImpersonateSettings, type SecretSettings, type SourceDeps } from './credential-sources.ts'
export { boundaryOf, type Boundary, type BoundaryRule, type Granularity } from './access-boundary.ts'
export { createCredentialSource, type CredentialDeps, type CredentialSettings } from './create-credential-source.ts'
export { serviceIdentity } from './service-identity.ts'
