/** The clients that people have on PATH, and the credential file that every Google library reads. */
import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CUSTOMER_BUCKET } from '../../upstream/seed.ts'
import { answered, expectMasked, runSandboxClient, shortened } from '../client-report.ts'
import { findProgram, runChild } from '../child.ts'
import type { TourStep } from '../context.ts'
import { expect } from '../context.ts'

const LIST_URL = `https://storage.googleapis.com/storage/v1/b/${CUSTOMER_BUCKET}/o`

export const withCurl: TourStep = {
  title: 'curl goes through the forward door',
  async run(context, say) {
    const environment = await context.agentEnvironment()
    const curl = await findProgram('curl', environment.PATH ?? '')
    if (curl === undefined) return say('curl is not on PATH: not shown')
    // By standard input: an argument list can be read by every process of the machine.
    const input = `url = "${LIST_URL}"\nheader = "Authorization: Bearer ${await context.agentToken()}"\n`
    const { code, stdout, stderr } = await runChild({ command: curl, args: ['--silent', '--show-error', '--fail-with-body', '--max-time', '30', '--config', '-'], environment, input })
    expect(code === 0, `curl ended with ${code}: ${shortened(`${stderr} ${stdout}`)}`)
    say(`${(JSON.parse(stdout) as { readonly items: readonly unknown[] }).items.length} objects, masked with ${expectMasked(stdout)}`)
  },
}

export const withGcloud: TourStep = {
  title: 'gcloud goes through the forward door',
  timeoutMs: 150_000,
  async run(context, say) {
    const environment = await context.agentEnvironment()
    const gcloud = await findProgram('gcloud', environment.PATH ?? '')
    if (gcloud === undefined) return say('gcloud is not on PATH: not shown')
    const folder = await mkdtemp(join(tmpdir(), 'lockkeeper-gcloud-'))
    try {
      const own = { ...environment, CLOUDSDK_CONFIG: folder, CLOUDSDK_CORE_DISABLE_PROMPTS: '1', CLOUDSDK_CORE_DISABLE_USAGE_REPORTING: '1', CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK: '1' }
      const { code, stdout, stderr } = await runChild({ command: gcloud, args: ['storage', 'ls', `gs://${CUSTOMER_BUCKET}/profiles/`], environment: own, timeoutMs: 120_000 })
      expect(code === 0, `gcloud ended with ${code === null ? 'a signal (too slow)' : code}: ${shortened(stderr, 400)}`)
      expectMasked(stdout)
      say(`gcloud storage ls: ${shortened(stdout)}`)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  },
}

export const externalAccount: TourStep = {
  title: 'google-auth-library exchanges an unmodified external_account file at the gateway',
  async run(context, say) {
    const { report } = await runSandboxClient(context, 'exchange-token', [`${LIST_URL}?maxResults=1`])
    const { externalAccount: external, tokenHash, status, expiresInSeconds } = answered(report)
    expect(external === true, 'the credential file was not read as an external account')
    const own = createHash('sha256').update(await context.agentToken()).digest('hex')
    expect(tokenHash === own, 'the exchange gave another token than the agent\'s own')
    expect(status === 200, `a call with the exchanged token got ${String(status)}`)
    say(`exchanged for the agent's own token, ${String(expiresInSeconds)} s to live; a call with it got ${String(status)}`)
  },
}
