/** What an agent may read, and what it sees of people when it does. */
import { CUSTOMER_BUCKET, WORKSPACE_BUCKET } from '../../upstream/seed.ts'
import { PROJECT } from '../../upstream/world.ts'
import { answered, expectMasked, runSandboxClient } from '../client-report.ts'
import type { TourStep } from '../context.ts'
import { expect } from '../context.ts'

const MEDIA_BYTES = 5 * 1024 * 1024

export const listMasked: TourStep = {
  title: '@google-cloud/storage lists a bucket; e-mail addresses arrive masked',
  async run(context, say) {
    const { report, text } = await runSandboxClient(context, 'list-objects', [CUSTOMER_BUCKET])
    const { objects } = answered(report) as unknown as { readonly objects: readonly { readonly name: string, readonly metadata?: Readonly<Record<string, string>> }[] }
    const there = context.upstream.world.storage.buckets.get(CUSTOMER_BUCKET)?.objects.size
    expect(objects.length === there, `${objects.length} objects arrived, ${there} are there`)
    expectMasked(text)
    say(`${objects.length} objects; ${objects[0]?.name} uploaded by ${objects[0]?.metadata?.['uploaded-by']}`)
  },
}

export const copyMediaThrough: TourStep = {
  title: '5 MB go up (resumable) and come back byte for byte',
  async run(context, say) {
    const name = `tour/${context.agent.run}.bin`
    const { report } = await runSandboxClient(context, 'copy-media', [WORKSPACE_BUCKET, name, String(MEDIA_BYTES)])
    const { same, sha256, receivedBytes } = answered(report)
    expect(same, 'what came back is not what went up')
    const stored = context.upstream.world.storage.buckets.get(WORKSPACE_BUCKET)?.objects.get(name)
    expect(stored?.content.length === MEDIA_BYTES, 'the upstream does not hold the object')
    say(`${String(receivedBytes)} bytes, SHA-256 ${String(sha256).slice(0, 16)}… at both ends`)
  },
}

export const queryMasked: TourStep = {
  title: 'BigQuery rows arrive with e-mails, phones, IBANs and cards masked',
  async run(context, say) {
    const url = `https://bigquery.googleapis.com/bigquery/v2/projects/${PROJECT.id}/queries`
    const body = { query: 'SELECT * FROM crm.customers', useLegacySql: false }
    const { report, text } = await runSandboxClient(context, 'call-api', ['POST', url, JSON.stringify(body)])
    const { data } = answered(report) as unknown as { readonly data: { readonly rows: readonly { readonly f: readonly { readonly v: string | null }[] }[] } }
    expectMasked(text)
    for (const [what, value] of [['an IBAN', 'DE89370400440532013000'], ['a card number', '4111 1111 1111 1111'], ['a phone number', '+44 20 7946 0018'], ['an address in a note', 'j.weber+private@']] as const) {
      expect(!text.includes(value), `${what} arrived unmasked`)
    }
    expect(text.includes('Mira Holt'), 'what is not masked should arrive')
    say(`first of ${data.rows.length} rows: ${data.rows[0]?.f.slice(1, 6).map(({ v }) => v).join(' | ')}`)
  },
}
