/** Tests only: answers AccessSecretVersion by the proto of google.cloud.secretmanager.v1 (cloud.google.com/secret-manager/docs/reference/rpc); not Google's server. */
import { GrpcFault, grpcMethod, referenceCrc32c, startGrpcServer, type GrpcServer } from '@lockkeeper/testkit'

export interface SecretStore extends GrpcServer {
  /** Values by `projects/P/secrets/S/versions/N`. */
  readonly versions: Map<string, string>
  readonly disabled: Set<string>
}

interface Answer { readonly name: string, readonly value: string }

export async function startSecretStore(): Promise<SecretStore> {
  const versions = new Map<string, string>()
  const disabled = new Set<string>()
  const server = await startGrpcServer('google.cloud.secretmanager.v1.SecretManagerService', {
    AccessSecretVersion: grpcMethod({ decode: readRequest }, { encode: (answer: Answer) => ({ finish: () => answerBytes(answer) }) }, ({ name }) => {
      const value = versions.get(name)
      if (value === undefined) throw new GrpcFault('NOT_FOUND')
      if (disabled.has(name)) throw new GrpcFault('FAILED_PRECONDITION')
      return { name, value }
    }),
  })
  return Object.assign(server, { versions, disabled })
}

/** `name` is field 1 of the request, a text. */
function readRequest(bytes: Uint8Array): { readonly name: string } {
  const [tag, length = 0] = bytes
  if (tag !== 0x0a || length > 0x7f || bytes.length !== length + 2) throw new TypeError('the request is no AccessSecretVersionRequest with a short name alone')
  return { name: Buffer.from(bytes.subarray(2)).toString() }
}

/** `name` is field 1 of the answer, `payload` field 2; of that `data` is field 1 and `data_crc32c` field 2. */
function answerBytes({ name, value }: Answer): Buffer {
  const data = Buffer.from(value)
  const payload = Buffer.concat([field(1, data), Buffer.from([0x10]), varint(referenceCrc32c(data))])
  return Buffer.concat([field(1, Buffer.from(name)), field(2, payload)])
}

function field(number: number, bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from([number << 3 | 2]), varint(bytes.length), bytes])
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes.push(rest % 128 | 0x80)
  return Buffer.from([...bytes, rest])
}
