/**
 * What makes an agent's unmodified clients go through the gateway: the proxy, the trust bundles, the token, and nothing of the
 * developer's own Google credentials. One list for `run`, `agent env` and the tour.
 */
import { rootCertificates } from 'node:tls'
import { delimiter, join } from 'node:path'

export interface AgentAccess {
  /** Origin of the agent port: `http://127.0.0.1:8443`. */
  readonly origin: string
  /** PEM of the forward door's authority. */
  readonly authority: string
  /** File with the agent's OIDC token; rotated in place. */
  readonly tokenFile: string
  /** Directory for the files below; the agent reads it. */
  readonly directory: string
  /** Google Cloud project that clients use where none is named. */
  readonly project?: string
}

export interface AgentFile { readonly path: string, readonly content: string }

/** Variables that put another Google credential, proxy, trust or endpoint in reach; never passed on. */
const REMOVED = [
  /^GOOGLE_/, /^CLOUDSDK_/, /^GCLOUD_/, /^GCP_/, /^GCE_METADATA_/, /^METADATA_SERVER_DETECTION$/, /^NO_GCE_CHECK$/, /^GCS_/, /^BOTO_/, /^BOTO$/, /^AWS_/, /^TF_VAR_(?:access_token|credentials)$/i, /^FIREBASE_TOKEN$/,
  /^(?:https?|ftp|all|no|grpc|no_grpc)_proxy$/i, /^npm_config_(?:https?-?|no)proxy$/i, /_EMULATOR_HOST$/,
  /^NODE_EXTRA_CA_CERTS$/, /^NODE_TLS_REJECT_UNAUTHORIZED$/, /^NODE_USE_(?:ENV_PROXY|SYSTEM_CA)$/, /^SSL_CERT_(?:FILE|DIR)$/, /^(?:REQUESTS|CURL)_CA_BUNDLE$/, /^GRPC_DEFAULT_SSL_ROOTS_FILE_PATH$/, /^GRPC_PROXY_EXP$/, /^PYTHONHTTPSVERIFY$/, /^SSLKEYLOGFILE$/,
  /^LOCKKEEPER_/, /^npm_/i, /^BIGQUERYRC$/, /^KUBECONFIG$/,
]

export function isRemoved(name: string): boolean {
  return REMOVED.some((pattern) => pattern.test(name))
}

/** The variables that `run` sets and `agent env` prints. */
export function agentVariables({ origin, tokenFile, directory, project }: AgentAccess): Readonly<Record<string, string>> {
  const host = new URL(origin).hostname
  const bundle = join(directory, 'trust.pem')
  const direct = `${host},localhost,127.0.0.1,::1`
  return {
    HTTPS_PROXY: origin, https_proxy: origin, HTTP_PROXY: origin, http_proxy: origin, NO_PROXY: direct, no_proxy: direct,
    // These replace a client's trust, so the bundle holds the public authorities too; NODE_EXTRA_CA_CERTS adds.
    CURL_CA_BUNDLE: bundle, REQUESTS_CA_BUNDLE: bundle, SSL_CERT_FILE: bundle, GRPC_DEFAULT_SSL_ROOTS_FILE_PATH: bundle, CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE: bundle,
    NODE_EXTRA_CA_CERTS: join(directory, 'authority.pem'), NODE_USE_ENV_PROXY: '1',
    GOOGLE_APPLICATION_CREDENTIALS: join(directory, 'credentials.json'), CLOUDSDK_AUTH_ACCESS_TOKEN_FILE: tokenFile, CLOUDSDK_CONFIG: join(directory, 'gcloud'),
    // Empty ones in place of ~/.boto and ~/.bigqueryrc, which may hold credentials and other endpoints.
    BOTO_CONFIG: join(directory, 'boto'), BIGQUERYRC: join(directory, 'bigqueryrc'),
    CLOUDSDK_CORE_DISABLE_PROMPTS: '1', CLOUDSDK_CORE_DISABLE_USAGE_REPORTING: '1', CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK: '1',
    ...proxyForGcloud(origin),
    // Clients ask the metadata server when they miss something; it must not be there.
    METADATA_SERVER_DETECTION: 'none', GCE_METADATA_HOST: '127.0.0.1:1', GCE_METADATA_ROOT: '127.0.0.1:1', GCE_METADATA_IP: '127.0.0.1:1', NO_GCE_CHECK: 'true', CLOUDSDK_CORE_CHECK_GCE_METADATA: 'false',
    ...(project === undefined ? {} : { GOOGLE_CLOUD_PROJECT: project, CLOUDSDK_CORE_PROJECT: project }),
    LOCKKEEPER_GATEWAY: origin, LOCKKEEPER_TOKEN_FILE: tokenFile,
  }
}

/** gcloud has its own proxy settings, which win over the environment's. */
function proxyForGcloud(origin: string): Readonly<Record<string, string>> {
  const { hostname, port, protocol } = new URL(origin)
  return protocol === 'http:' ? { CLOUDSDK_PROXY_TYPE: 'http', CLOUDSDK_PROXY_ADDRESS: hostname, CLOUDSDK_PROXY_PORT: port } : {}
}

/** The files that the variables name. None of them is a secret. */
export function agentFiles(access: AgentAccess): readonly AgentFile[] {
  return [
    { path: join(access.directory, 'authority.pem'), content: access.authority },
    { path: join(access.directory, 'trust.pem'), content: `${rootCertificates.join('\n')}\n${access.authority}` },
    { path: join(access.directory, 'credentials.json'), content: `${JSON.stringify(externalAccount(access), null, 2)}\n` },
    { path: join(access.directory, 'boto'), content: `[Boto]\nca_certificates_file = ${join(access.directory, 'trust.pem')}\n` },
    { path: join(access.directory, 'bigqueryrc'), content: '' },
  ]
}

/**
 * An external_account credential (AIP-4117): the client exchanges its own token at the gateway, which gives the same one back.
 * `universe`: the domain of the gateway's domain door; client libraries then build their hosts under it.
 */
export function externalAccount({ origin, tokenFile, universe }: Pick<AgentAccess, 'origin' | 'tokenFile'> & { readonly universe?: string }): Readonly<Record<string, unknown>> {
  const exchange = universe === undefined ? origin : `https://sts.${universe}`
  return {
    type: 'external_account',
    ...(universe === undefined ? {} : { universe_domain: universe }),
    // An audience without a project number keeps clients from looking the project up elsewhere.
    audience: '//lockkeeper/agents',
    subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    token_url: `${exchange}/v1/token`,
    token_info_url: `${exchange}/v1/introspect`,
    credential_source: { file: tokenFile },
  }
}

/** The child's whole environment: the parent's without what `isRemoved` names and what npm added, and the variables above. */
export function childEnvironment(parent: Readonly<Record<string, string | undefined>>, variables: Readonly<Record<string, string>>): Record<string, string> {
  const kept = Object.entries(parent).filter((entry): entry is [string, string] => entry[1] !== undefined && !isRemoved(entry[0]))
  return { ...Object.fromEntries(kept), ...pathBeforeNpm(parent), ...variables }
}

/** npm puts directories of the package it runs before the user's own: an agent must find the programs that its user would. */
function pathBeforeNpm({ PATH: path, npm_execpath: npm, npm_lifecycle_event: script }: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string>> {
  if (path === undefined || (npm === undefined && script === undefined)) return {}
  const directories = path.split(delimiter)
  const first = directories.findIndex((directory) => !/(?:^|[\\/])(?:node_modules[\\/]\.bin|node-gyp-bin)$/.test(directory))
  return { PATH: (first === -1 ? [] : directories.slice(first)).join(delimiter) }
}
