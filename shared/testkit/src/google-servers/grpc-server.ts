/**
 * A real gRPC server on loopback for services of Google's that have no emulator. It answers by the published protos,
 * which a test hands in; it is not Google's server, and what Google does beyond its protos it does not know.
 */
import { Metadata, Server, ServerCredentials, status, type handleUnaryCall, type ServiceDefinition } from '@grpc/grpc-js'

/** The static classes that a Google client package carries: `protos.google.cloud.kms.v1.PublicKey`. */
export interface Coder<Decoded, Encoded> {
  decode(bytes: Uint8Array): Decoded
  encode(message: Encoded): { finish(): Uint8Array }
}

// The parameters of each method differ; `grpcMethod` is where they are checked.
export interface GrpcMethod {
  readonly request: Pick<Coder<unknown, never>, 'decode'>
  readonly response: Pick<Coder<unknown, never>, 'encode'>
  readonly answer: (request: never) => unknown
}

export function grpcMethod<Q, A>(request: Pick<Coder<Q, never>, 'decode'>, response: Pick<Coder<unknown, A>, 'encode'>, answer: (request: Q) => A): GrpcMethod {
  return { request, response: response as GrpcMethod['response'], answer }
}

export type GrpcStatus = Exclude<keyof typeof status, number>

/** Thrown by an answer, or planted: the call ends with this status. */
export class GrpcFault extends Error {
  readonly status: GrpcStatus

  constructor(name: GrpcStatus, message = `planted ${name}`) {
    super(message)
    this.name = 'GrpcFault'
    this.status = name
  }
}

export interface GrpcServer {
  readonly port: number
  /** Every call in order of arrival, failed ones too. */
  readonly calls: { readonly method: string, readonly request: unknown, readonly routing: string }[]
  /** Consulted before each answer: a fault is what the caller gets, `silence` that nothing ever comes. */
  fault: ((method: string) => GrpcFault | 'silence' | undefined) | undefined
  /** Ends at once, open calls too. */
  close(): void
}

/** Serves the methods of one service, named as in the proto: `google.cloud.kms.v1.KeyManagementService`. */
export async function startGrpcServer(service: string, methods: Readonly<Record<string, GrpcMethod>>): Promise<GrpcServer> {
  const server = new Server()
  const calls: GrpcServer['calls'] = []
  const handle = (name: string, { answer }: GrpcMethod): handleUnaryCall<unknown, unknown> => (call, callback) => {
    calls.push({ method: name, request: call.request, routing: String(call.metadata.get('x-goog-request-params')[0] ?? '') })
    const planted = started.fault?.(name)
    if (planted === 'silence') return
    try {
      if (planted !== undefined) throw planted
      callback(null, answer(call.request as never))
    } catch (error) {
      callback(error instanceof GrpcFault ? { code: status[error.status], details: error.message, metadata: new Metadata() } : { code: status.INTERNAL, details: String(error) })
    }
  }
  const definition: ServiceDefinition = Object.fromEntries(Object.entries(methods).map(([name, { request, response }]) => [name, {
    path: `/${service}/${name}`, originalName: name, requestStream: false, responseStream: false,
    requestDeserialize: (bytes: Buffer) => request.decode(bytes), requestSerialize: () => { throw new TypeError('a server sends no requests') },
    responseSerialize: (value: unknown) => Buffer.from(response.encode(value as never).finish()), responseDeserialize: () => { throw new TypeError('a server reads no answers') },
  }]))
  server.addService(definition, Object.fromEntries(Object.entries(methods).map(([name, method]) => [name, handle(name, method)])))
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => error === null ? resolve(bound) : reject(error))
  })
  const started: GrpcServer = { port, calls, fault: undefined, close: () => server.forceShutdown() }
  return started
}
