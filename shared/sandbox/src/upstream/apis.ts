/** Which Google hosts the sandbox answers for, and with what. */
import { bigqueryRoutes } from './bigquery/routes.ts'
import { computeRoutes } from './compute.ts'
import { iamCredentialsRoutes, iamRoutes } from './iam.ts'
import { pubsubRoutes } from './pubsub.ts'
import { resourceManagerRoutes } from './resource-manager.ts'
import type { Api } from './routes.ts'
import { runRoutes } from './run.ts'
import { secretManagerRoutes } from './secret-manager.ts'
import { bucketRoutes } from './storage/buckets.ts'
import { objectRoutes } from './storage/objects.ts'
import { uploadRoutes } from './storage/uploads.ts'
import type { World } from './world.ts'

export function apisOf(world: World): readonly Api[] {
  return [
    { name: 'storage', style: 'legacy', hosts: ['storage.googleapis.com', 'www.googleapis.com'], routes: [...bucketRoutes(world), ...objectRoutes(world), ...uploadRoutes(world)] },
    { name: 'bigquery', style: 'legacy', hosts: ['bigquery.googleapis.com', 'www.googleapis.com'], routes: bigqueryRoutes(world) },
    { name: 'compute', style: 'legacy', hosts: ['compute.googleapis.com', 'www.googleapis.com'], routes: computeRoutes(world) },
    { name: 'cloudresourcemanager', style: 'rpc', hosts: ['cloudresourcemanager.googleapis.com'], routes: resourceManagerRoutes(world) },
    { name: 'iam', style: 'rpc', hosts: ['iam.googleapis.com'], routes: iamRoutes(world) },
    { name: 'iamcredentials', style: 'rpc', hosts: ['iamcredentials.googleapis.com'], routes: iamCredentialsRoutes(world) },
    { name: 'secretmanager', style: 'rpc', hosts: ['secretmanager.googleapis.com'], routes: secretManagerRoutes(world) },
    { name: 'run', style: 'rpc', hosts: ['run.googleapis.com'], routes: runRoutes(world) },
    { name: 'pubsub', style: 'rpc', hosts: ['pubsub.googleapis.com'], routes: pubsubRoutes(world) },
  ]
}
