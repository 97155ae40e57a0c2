import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { blobStoreCompliance, secretSourceCompliance, signerCompliance, tempDir, type OpenedBlobs, type OpenedSigner } from '@lockkeeper/testkit'
import { environmentSecrets, fileSecrets, openFileBlobs, openKeyFile } from './index.ts'

const close = async (): Promise<void> => undefined

async function blobs(directory = join(tempDir(), 'blobs')): Promise<OpenedBlobs> {
  return { blobs: await openFileBlobs(directory), close, reopen: () => blobs(directory) }
}

async function signer(path = join(tempDir(), 'keys', 'log.pem')): Promise<OpenedSigner> {
  return { signer: await openKeyFile(path), close, reopen: () => signer(path) }
}

blobStoreCompliance('a directory', () => blobs())
signerCompliance('a key file', () => signer())

secretSourceCompliance('a directory of secrets', async () => {
  const directory = tempDir()
  return { secrets: fileSecrets(directory), close, set: (name, value) => writeFile(join(directory, name), value === '' ? '' : `${value}\n`, { mode: 0o600 }) }
})

secretSourceCompliance('the environment', async () => {
  const env: Record<string, string> = {}
  const set = async (name: string, value: string): Promise<void> => { env[`LOCKKEEPER_SECRET_${name.toUpperCase().replaceAll('-', '_')}`] = value }
  return { secrets: environmentSecrets('LOCKKEEPER_SECRET_', env), close, set, versions: false }
})
