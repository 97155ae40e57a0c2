/** Tests only: certificate and key for a TLS port, made in the test's own directory. */
import { join } from 'node:path'
import { systemClock } from '@lockkeeper/domain'

/** Paths of PEM files. The certificate is an authority's own: good enough for a client that does not ask who presents it. */
export async function makeServerCertificate(directory: string, domain: string): Promise<{ readonly certificate: string, readonly key: string }> {
  const { openCertificateAuthority } = await import('@lockkeeper/proxy/certificate-authority')
  const folder = join(directory, 'tls')
  await openCertificateAuthority(folder, [domain], systemClock)
  return { certificate: join(folder, 'ca.pem'), key: join(folder, 'ca-key.pem') }
}
