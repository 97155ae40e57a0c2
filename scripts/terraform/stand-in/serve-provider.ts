/**
 * A provider that has a schema and nothing else: enough for `terraform validate`, and for `terraform test` where the provider is mocked.
 * It serves on loopback to whoever has the address in TF_REATTACH_PROVIDERS, which is how Terraform takes a provider that runs already
 * instead of downloading one.
 */
import { join } from 'node:path'
import process from 'node:process'
import { loadPackageDefinition, Server, ServerCredentials, type sendUnaryData, type ServerUnaryCall, type ServiceClientConstructor } from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'
import type { ProviderSchema } from '../provider-schema.ts'
import { wireSchemas } from './wire-schema.ts'

export interface StandIn {
  /** For the environment of every `terraform` that is to use it. */
  readonly environment: { readonly TF_REATTACH_PROVIDERS: string }
  /** Ends it at once. */
  close(): void
}

interface Prepare { readonly config: unknown }

export async function serveProvider(schema: ProviderSchema): Promise<StandIn> {
  const definition = loadSync(join(import.meta.dirname, 'plugin.proto'), { keepCase: true, longs: Number, enums: String })
  const { Provider } = loadPackageDefinition(definition)['tfplugin5'] as unknown as { readonly Provider: ServiceClientConstructor }
  const schemas = wireSchemas(schema)
  const nothing = (_: unknown, answer: sendUnaryData<object>): void => answer(null, {})
  const server = new Server()
  server.addService(Provider.service, {
    GetSchema: (_: unknown, answer: sendUnaryData<object>) => answer(null, schemas),
    PrepareProviderConfig: ({ request }: ServerUnaryCall<Prepare, object>, answer: sendUnaryData<object>) => answer(null, { prepared_config: request.config }),
    ValidateResourceTypeConfig: nothing,
    ValidateDataSourceConfig: nothing,
  })
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => error === null ? resolve(bound) : reject(error))
  })
  // `Test`: Terraform leaves the process alone, which is ours.
  const reattach = { [schema.provider]: { Protocol: 'grpc', ProtocolVersion: 5, Pid: process.pid, Test: true, Addr: { Network: 'tcp', String: `127.0.0.1:${port}` } } }
  return { environment: { TF_REATTACH_PROVIDERS: JSON.stringify(reattach) }, close: () => server.forceShutdown() }
}
