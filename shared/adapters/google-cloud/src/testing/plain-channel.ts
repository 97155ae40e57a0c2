/** For tests: options with which a gRPC client of Google's dials a server on this machine, without TLS and without any credential. */
import { credentials, type ChannelCredentials } from '@grpc/grpc-js'

/** `auth` is consulted for its universe even so; the real one would look for a metadata server. */
// A type, not an interface: the clients' options have an index signature.
export type PlainChannel = { readonly apiEndpoint: string, readonly port: number, readonly sslCreds: ChannelCredentials, readonly auth: never }

export function plainChannel(port: number): PlainChannel {
  return { apiEndpoint: '127.0.0.1', port, sslCreds: credentials.createInsecure(), auth: { getUniverseDomain: () => Promise.resolve('googleapis.com') } as never }
}
