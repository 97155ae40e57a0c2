/** Methods whose answer must not be kept, and those that an agent may never call (invariant 3). */

/** Hands out something that opens Google's doors without the gateway: denied whatever policy says. */
const MINTS_CREDENTIAL: Readonly<Record<string, string>> = {
  'apikeys.projects.locations.keys.create': 'an API key',
  'apikeys.projects.locations.keys.getKeyString': 'the API key',
  'firestore.projects.databases.userCreds.create': 'a password for the database',
  'firestore.projects.databases.userCreds.resetPassword': 'a password for the database',
  'iam.locations.workforcePools.providers.scimTenants.tokens.create': 'a bearer token that can write identities',
  'iam.projects.locations.oauthClients.credentials.create': 'a client secret',
  'iam.projects.serviceAccounts.keys.create': 'a private key',
  'iam.projects.serviceAccounts.keys.upload': 'makes the caller\'s own key a valid one',
  'iam.projects.serviceAccounts.signBlob': 'a signature makes tokens and signed URLs',
  'iam.projects.serviceAccounts.signJwt': 'a signed token',
  'iamcredentials.projects.serviceAccounts.generateAccessToken': 'an access token',
  'iamcredentials.projects.serviceAccounts.generateIdToken': 'an ID token',
  'iamcredentials.projects.serviceAccounts.signBlob': 'a signature makes tokens and signed URLs',
  'iamcredentials.projects.serviceAccounts.signJwt': 'a signed token',
  'storage.projects.hmacKeys.create': 'a long-lived key pair',
  'sts.token': 'an access token for another one; the gateway has a token endpoint of its own',
}

/** Its answer is or holds a secret: neither body nor receipt is kept. */
const RETURNS_SECRET: Readonly<Record<string, string>> = {
  'compute.instances.getGuestAttributes': 'whatever the guest wrote there, often keys',
  'compute.instances.getScreenshot': 'may show a password on the console',
  'compute.instances.getSerialPortOutput': 'start-up scripts print passwords and tokens there',
  'compute.interconnects.getMacsecConfig': 'pre-shared keys',
  'iam.projects.locations.oauthClients.credentials.get': 'the client secret',
  'iam.projects.locations.oauthClients.credentials.list': 'the client secrets',
  'secretmanager.projects.locations.secrets.versions.access': 'the secret',
  'secretmanager.projects.secrets.versions.access': 'the secret',
}

export function mintsCredential(id: string): boolean {
  return Object.hasOwn(MINTS_CREDENTIAL, id)
}

export function returnsSecret(id: string): boolean {
  return Object.hasOwn(RETURNS_SECRET, id) || mintsCredential(id)
}

/** Every id that the tables name, for the test that they all exist. */
export function secretIds(): readonly string[] {
  return [...Object.keys(MINTS_CREDENTIAL), ...Object.keys(RETURNS_SECRET)]
}
