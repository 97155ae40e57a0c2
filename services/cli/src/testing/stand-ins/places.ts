/** Tests only: where everything is between the containers of docker-compose.test.yml, and who is who there. */
import { join } from 'node:path'

export const PROJECT_ID = 'lockkeeper-test'
export const EMULATORS = { firestore: 'firestore:8080', pubsub: 'pubsub:8085' } as const
/** Services by the origins that tokens for them name as audience. */
export const ORIGINS = { approval: 'http://approval:8080', audit: 'http://audit:8080', policy: 'http://policy:8080', notifier: 'http://notifier:8080' } as const
/** The sandbox's upstream: on the `upstream` network by this name, and on the proxy's loopback. */
export const UPSTREAM = { host: 'sandbox', port: 9000, origin: 'http://127.0.0.1:9000' } as const
/** Whom the notifier tells of requests, on its loopback. */
export const RECEIVER = { port: 9001, url: 'http://127.0.0.1:9001/told' } as const
/** Where people sign in: on the console's loopback, and on the `issuer` network by the sandbox's name. */
export const PEOPLE_IDP = { port: 9002, relayed: 9003, issuer: 'http://127.0.0.1:9002', client: 'lockkeeper-console' } as const
/** The console's page, wherever its port is published. */
export const CONSOLE_ORIGIN = 'http://localhost:8445'
export const ACCOUNTS = { proxy: 'proxy@gateway.iam.gserviceaccount.com', pusher: 'pusher@gateway.iam.gserviceaccount.com', console: 'console@gateway.iam.gserviceaccount.com', operator: 'kim@acme.example' } as const

export type InnerService = keyof typeof ORIGINS

const ROOT = '/var/lockkeeper'
/** Volumes. `accounts` holds the key that signs for every account; services see `settings` and `blobs` alone. */
export const PLACES = {
  settings: join(ROOT, 'settings'),
  blobs: join(ROOT, 'blobs'),
  accountsKey: join(ROOT, 'accounts/accounts.pem'),
} as const
