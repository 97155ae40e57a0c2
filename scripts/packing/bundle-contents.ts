/** What may be in the bundle: no cloud SDK at all, and the sandbox's libraries only behind the sandbox's own door. */
import { basename } from 'node:path'
import type { Metafile } from 'esbuild'

const NEVER = ['@google-cloud/firestore', '@google-cloud/pubsub', '@google-cloud/secret-manager', '@google-cloud/kms', 'google-gax', '@grpc/grpc-js', '@lockkeeper/testkit']
const SANDBOX = 'shared/sandbox/src/index.ts'
const SANDBOX_ONLY = ['@google-cloud/storage', 'oidc-provider']

export function checkBundle({ inputs, outputs }: Metafile): readonly string[] {
  const all = new Set(Object.keys(inputs).flatMap((input) => packageOf(input) ?? []))
  const forbidden = NEVER.filter((name) => all.has(name)).map((name) => `the bundle contains ${name}`)
  const testCode = Object.keys(inputs).filter((input) => /\.test\.ts$|^shared\/testkit\/|\/testing\//.test(input)).map((input) => `the bundle contains ${input}`)
  const real = realOutputs(outputs)
  const spilled = [...real].flatMap((output) => Object.keys(outputs[output]?.inputs ?? {})
    .map((input) => packageOf(input) ?? input)
    .filter((part) => part.startsWith('shared/sandbox/') || SANDBOX_ONLY.includes(part))
    .map((part) => `${part} is in ${basename(output)}, which loads without the sandbox`))
  return [...forbidden, ...testCode, ...new Set(spilled)]
}

/** Everything that can load while the sandbox's chunk does not. */
function realOutputs(outputs: Metafile['outputs']): ReadonlySet<string> {
  const left = Object.keys(outputs).filter((output) => outputs[output]?.entryPoint?.startsWith('services/') === true || /\/worker\//.test(outputs[output]?.entryPoint ?? ''))
  const seen = new Set<string>()
  for (let output = left.pop(); output !== undefined; output = left.pop()) {
    if (seen.has(output) || outputs[output]?.entryPoint === SANDBOX) continue
    seen.add(output)
    for (const { path, external } of outputs[output]?.imports ?? []) if (external !== true) left.push(path)
  }
  return seen
}

/** The npm package that a bundled file comes from; undefined for a file of our own. */
export function packageOf(input: string): string | undefined {
  const path = input.split('node_modules/').at(-1) as string
  return input.includes('node_modules/') ? path.split('/', path.startsWith('@') ? 2 : 1).join('/') : undefined
}
