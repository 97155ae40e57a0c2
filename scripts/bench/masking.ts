/** Masking throughput on a list of Cloud Storage objects, all detectors on: whole documents and 64 KiB chunks. */
import { createMasker } from '@lockkeeper/masking'

const ROUNDS = 24

function listing(): Buffer {
  const item = (index: number): string => JSON.stringify({
    kind: 'storage#object', id: `bench/report-${index}.csv/1700000000000000`, selfLink: `https://www.googleapis.com/storage/v1/b/bench/o/report-${index}.csv`, name: `report-${index}.csv`, bucket: 'bench',
    generation: '1700000000000000', metageneration: '1', contentType: 'text/csv', storageClass: 'STANDARD', size: '18231', md5Hash: 'CY9rzUYh03PK3k6DJie09g==', crc32c: 'AAAAAA==',
    timeCreated: '2026-11-24T08:00:00.000Z', updated: '2026-11-24T08:00:00.000Z', ...(index % 10 === 0 ? { owner: { entity: `user-jane.doe${index}@example.com` } } : {}),
  })
  return Buffer.from(`{"kind":"storage#objects","items":[${Array.from({ length: 8000 }, (_, index) => item(index)).join(',')}]}`)
}

export function maskingMbPerS(): { readonly whole: number, readonly chunked: number } {
  const masker = createMasker({ detectors: ['personal-data', 'secrets'], fields: [] })
  if ('problem' in masker) throw new Error(masker.problem)
  const bytes = listing()
  const rate = (work: () => void): number => {
    for (let round = 0; round < 4; round++) work()
    const started = performance.now()
    for (let round = 0; round < ROUNDS; round++) work()
    return bytes.length * ROUNDS / 1e6 / ((performance.now() - started) / 1000)
  }
  return {
    whole: rate(() => void masker.maskJson(bytes)),
    chunked: rate(() => {
      const stream = masker.stream()
      for (let at = 0; at < bytes.length; at += 65_536) stream.push(bytes.subarray(at, at + 65_536))
      stream.end()
    }),
  }
}
