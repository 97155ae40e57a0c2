/**
 * The forward door's own certificate authority: name-constrained to the target hosts (RFC 5280 section 4.2.1.10), kept out of the
 * system's trust store, with short-lived leaf certificates that are cached by host.
 */
import 'reflect-metadata'
import { X509Certificate as NodeCertificate, type webcrypto } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createSecureContext, type SecureContext } from 'node:tls'
import { GeneralName, GeneralSubtree, GeneralSubtrees, id_ce_nameConstraints, NameConstraints } from '@peculiar/asn1-x509'
import { AsnConvert } from '@peculiar/asn1-schema'
import * as x509 from '@peculiar/x509'
import type { Clock } from '@lockkeeper/domain'

export interface CertificateAuthority {
  /** PEM, for the agent's trust bundle. */
  readonly certificate: string
  /** A leaf for one target host; one generation in flight for each host. */
  contextFor(host: string): Promise<SecureContext>
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const DAY_MS = 24 * 60 * 60 * 1000
const CA_DAYS = 365
const LEAF_DAYS = 7
const MAX_LEAVES = 500

/** Opens the authority in `directory` or makes one. Made anew when it ends within 30 days or its hosts are other ones. */
export async function openCertificateAuthority(directory: string, hosts: readonly string[], clock: Clock): Promise<CertificateAuthority> {
  const names = constraints(hosts)
  const stored = await load(directory, names, clock)
  return authority(stored ?? await create(directory, names, clock), clock)
}

interface Authority { readonly certificate: x509.X509Certificate, readonly keys: webcrypto.CryptoKeyPair }

/** `*.googleapis.com` and every name under it is one subtree; an exact host is a subtree of its own. */
function constraints(hosts: readonly string[]): string[] {
  return [...new Set(hosts.map((host) => host.toLowerCase().replace(/^\*\./, '')))].sort()
}

async function load(directory: string, names: readonly string[], clock: Clock): Promise<Authority | undefined> {
  try {
    const [certificatePem, keyPem, storedNames] = await Promise.all(['ca.pem', 'ca-key.pem', 'names.json'].map((file) => readFile(join(directory, file), 'utf8')))
    const certificate = new x509.X509Certificate(certificatePem as string)
    if (storedNames !== JSON.stringify(names) || certificate.notAfter.getTime() - clock.now() < 30 * DAY_MS) return undefined
    const privateKey = await crypto.subtle.importKey('pkcs8', x509.PemConverter.decodeFirst(keyPem as string), ALGORITHM, true, ['sign'])
    const publicKey = await certificate.publicKey.export(ALGORITHM, ['verify'])
    return { certificate, keys: { privateKey, publicKey } }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

async function create(directory: string, names: readonly string[], clock: Clock): Promise<Authority> {
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']) as webcrypto.CryptoKeyPair
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(), name: 'CN=Lockkeeper forward door, O=Lockkeeper', signingAlgorithm: ALGORITHM, keys,
    notBefore: new Date(clock.now() - 5 * 60 * 1000), notAfter: new Date(clock.now() + CA_DAYS * DAY_MS),
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      nameConstraints(names),
    ],
  })
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const privateKey = x509.PemConverter.encode(await crypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY')
  // The names come last: a crash in between leaves an authority that is made anew.
  await replace(join(directory, 'ca-key.pem'), privateKey, 0o600)
  await replace(join(directory, 'ca.pem'), `${certificate.toString('pem')}\n`, 0o644)
  await replace(join(directory, 'names.json'), JSON.stringify(names), 0o644)
  return { certificate, keys }
}

function nameConstraints(names: readonly string[]): x509.Extension {
  const subtree = (base: GeneralName): GeneralSubtree => new GeneralSubtree({ base })
  const value = new NameConstraints({
    permittedSubtrees: new GeneralSubtrees(names.map((dNSName) => subtree(new GeneralName({ dNSName })))),
    // Without this, addresses would be outside the constraint: it binds only the kinds of names that it lists.
    excludedSubtrees: new GeneralSubtrees(['0.0.0.0/0', '::/0'].map((iPAddress) => subtree(new GeneralName({ iPAddress })))),
  })
  return new x509.Extension(id_ce_nameConstraints, true, AsnConvert.serialize(value))
}

async function replace(file: string, text: string, mode: number): Promise<void> {
  const temporary = `${file}.${process.pid}.tmp`
  await writeFile(temporary, text, { mode })
  await rename(temporary, file)
}

function authority({ certificate, keys }: Authority, clock: Clock): CertificateAuthority {
  const pem = `${certificate.toString('pem')}\n`
  const leaves = new Map<string, { readonly context: Promise<SecureContext>, readonly until: number }>()
  const issue = async (host: string): Promise<SecureContext> => {
    const leafKeys = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']) as webcrypto.CryptoKeyPair
    const leaf = await x509.X509CertificateGenerator.create({
      serialNumber: serial(), subject: `CN=${host.slice(0, 64)}`, issuer: certificate.subject, signingAlgorithm: ALGORITHM, publicKey: leafKeys.publicKey, signingKey: keys.privateKey,
      notBefore: new Date(clock.now() - 5 * 60 * 1000), notAfter: new Date(clock.now() + LEAF_DAYS * DAY_MS),
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
        new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: host }]),
        await x509.AuthorityKeyIdentifierExtension.create(certificate.publicKey),
      ],
    })
    const key = x509.PemConverter.encode(await crypto.subtle.exportKey('pkcs8', leafKeys.privateKey), 'PRIVATE KEY')
    return createSecureContext({ key, cert: `${leaf.toString('pem')}\n${pem}`, minVersion: 'TLSv1.2' })
  }
  return {
    certificate: pem,
    contextFor(host) {
      const known = leaves.get(host)
      if (known !== undefined && clock.now() < known.until) return known.context
      const [oldest] = leaves.keys()
      if (leaves.size >= MAX_LEAVES && oldest !== undefined) leaves.delete(oldest)
      const context = issue(host)
      leaves.set(host, { context, until: clock.now() + (LEAF_DAYS - 1) * DAY_MS })
      context.catch(() => leaves.delete(host))
      return context
    },
  }
}

/** A positive random serial number of 16 bytes (RFC 5280 section 4.1.2.2). */
function serial(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  bytes[0] = ((bytes[0] as number) & 0x7f) | 0x01
  return Buffer.from(bytes).toString('hex')
}

/** For tests and `doctor`: the text form of a PEM certificate. */
export function describeCertificate(pem: string): NodeCertificate {
  return new NodeCertificate(pem)
}
