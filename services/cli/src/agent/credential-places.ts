/** Where Google credentials of a developer lie by default: what an agent must not find, and what `doctor` looks for. */
import { join } from 'node:path'

/** Under the home directory. Directories and files, as gcloud, gsutil, bq, client libraries, Firebase and Terraform use them. */
const UNDER_HOME = ['.config/gcloud', '.boto', '.gsutil', '.bigqueryrc', '.bigquery.v2.token', '.config/configstore', '.terraform.d/credentials.tfrc.json', '.kube', '.docker/config.json', '.netrc']

/** Of the whole machine. */
const OF_THE_MACHINE = ['/etc/boto.cfg', '/etc/google/auth/application_default_credentials.json']

/** Variables that name a credential, or hold one. */
export const CREDENTIAL_VARIABLES = ['GOOGLE_APPLICATION_CREDENTIALS', 'GOOGLE_OAUTH_ACCESS_TOKEN', 'GOOGLE_CREDENTIALS', 'GOOGLE_CLOUD_KEYFILE_JSON', 'GOOGLE_API_KEY', 'GEMINI_API_KEY', 'CLOUDSDK_AUTH_ACCESS_TOKEN', 'CLOUDSDK_AUTH_ACCESS_TOKEN_FILE', 'CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE', 'CLOUDSDK_CONFIG', 'FIREBASE_TOKEN', 'BOTO_CONFIG'] as const

export function credentialPlaces(home: string): readonly string[] {
  return [...UNDER_HOME.map((name) => join(home, name)), ...OF_THE_MACHINE]
}
