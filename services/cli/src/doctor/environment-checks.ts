/** Checks of what surrounds an agent: other Google credentials in reach, and variables that change how Node trusts and starts. */
import { existsSync } from 'node:fs'
import { isRemoved } from '../agent/agent-environment.ts'
import { CREDENTIAL_VARIABLES, credentialPlaces } from '../agent/credential-places.ts'
import { findings, type Finding } from './finding.ts'
import { sound, type Surroundings } from './surroundings.ts'

const METADATA_MS = 1_000
/** Options that load code or open a debugger in every Node program that an agent starts. */
const LOADING = /(?:^|\s)(?:-r|--(?:require|import|loader|experimental-loader|inspect\S*|env-file\S*))(?:[=\s]|$)/

export async function checkOtherCredentials(given: Surroundings): Promise<readonly Finding[]> {
  const { ok, warning, problem } = findings('other credentials')
  const { environment, home, gateway, strongest } = given
  const level = 'status' in gateway ? gateway.status.isolation : sound(given)?.config.isolation ?? 'none'
  const effective = level === 'auto' ? strongest : level
  const contained = effective === 'container'
  const variables = CREDENTIAL_VARIABLES.filter((name) => (environment[name] ?? '') !== '')
  const kept = variables.filter((name) => !isRemoved(name))
  const places = credentialPlaces(home).filter((path) => existsSync(path))
  const metadata = await metadataAnswers(given.metadata)
  const found = [
    ...kept.map((name) => warning(`${name} is set, and agents started by lockkeeper run keep it`, `unset ${name} where agents are started.`)),
    ...(effective === 'none' && places.length > 0 ? [warning(`in reach of an agent of your user: ${places.join(', ')}`, 'Use level user or container, or take the credentials away: gcloud auth revoke, gcloud auth application-default revoke.')] : []),
    ...(!metadata || contained ? [] : [problem('the metadata server answers: any program on this machine gets the machine\'s own Google credential from it', 'Use level container, or give the machine no service account.')]),
  ]
  if (found.length > 0) return found
  const beside = [...variables.map((name) => `${name} (not passed on)`), ...places, ...(metadata ? ['the metadata server'] : [])]
  return [ok(beside.length === 0 ? 'none in the environment, in default places or from a metadata server' : `out of an agent's reach at level ${effective}: ${beside.join(', ')}`)]
}

async function metadataAnswers(origin: string): Promise<boolean> {
  try {
    const answer = await fetch(`${origin}/computeMetadata/v1/`, { headers: { 'metadata-flavor': 'Google' }, redirect: 'manual', signal: AbortSignal.timeout(METADATA_MS) })
    await answer.body?.cancel()
    return answer.headers.get('metadata-flavor') === 'Google'
  } catch {
    // No answer, no route, no server: there is none, which is what is wanted.
    return false
  }
}

export function checkNode({ environment }: Surroundings): readonly Finding[] {
  const { ok, warning, problem } = findings('node')
  const options = environment['NODE_OPTIONS'] ?? ''
  const found = [
    ...(LOADING.test(options) ? [warning(`NODE_OPTIONS loads code or opens a debugger in every Node program, the gateway too: ${options.slice(0, 200)}`, 'unset NODE_OPTIONS before lockkeeper up and lockkeeper run.')] : []),
    ...(/--(?:use-openssl-ca|use-system-ca|openssl-config|tls-(?:min|max)\S*|insecure-http-parser)/.test(options) ? [warning(`NODE_OPTIONS changes how TLS or HTTP is checked: ${options.slice(0, 200)}`, 'Take those options away; the gateway sets what agents need.')] : []),
    ...(environment['NODE_TLS_REJECT_UNAUTHORIZED'] === '0' ? [problem('NODE_TLS_REJECT_UNAUTHORIZED=0 turns off every check of certificates, also the gateway\'s own towards Google and issuers', 'unset NODE_TLS_REJECT_UNAUTHORIZED.')] : []),
    ...((environment['SSLKEYLOGFILE'] ?? '') === '' ? [] : [warning('SSLKEYLOGFILE is set: programs write the keys of their TLS connections to a file', 'unset SSLKEYLOGFILE.')]),
  ]
  return found.length > 0 ? found : [ok(`Node ${process.versions.node}; nothing in the environment changes how it starts or whom it trusts`)]
}
