import { strict as assert } from 'node:assert'
import { composeImage, planEmulator, thisMachine, type Machine } from './emulator-plan.ts'

const IMAGE = 'example/emulators:1'
const SDK = '/opt/sdk'
const JAR = `${SDK}/platform/cloud-firestore-emulator/cloud-firestore-emulator.jar`

interface Has {
  readonly env?: Machine['env']
  /** Command lines that end well, by their beginning, and what they print. */
  readonly runs?: Readonly<Record<string, string>>
  readonly files?: readonly string[]
  readonly gcloud?: string
}

function machine({ env = {}, runs = {}, files = [], gcloud }: Has): Machine & { readonly asked: string[] } {
  const asked: string[] = []
  return {
    env, asked,
    run(command, args) {
      const line = [command, ...args].join(' ')
      asked.push(line)
      return Object.entries(runs).find(([beginning]) => line.startsWith(beginning))?.[1]
    },
    exists: path => files.some(file => file === path || file.startsWith(`${path}/`)),
    list: folder => files.filter(file => file.startsWith(`${folder}/`)).map(file => file.slice(folder.length + 1)),
    which: () => gcloud,
    compose: () => `image: \${EMULATOR_IMAGE:-${IMAGE}}`,
  }
}

const engine = { 'docker info': '29.0\n' }
const sdk = { files: [JAR, `${SDK}/platform/pubsub-emulator/lib/cloud-pubsub-emulator-0.8.20-all.jar`], gcloud: `${SDK}/bin/gcloud` }
const java = { 'java -version': '' }

const PLANS: readonly (readonly [string, Has, string])[] = [
  ['one that runs already comes first', { ...sdk, env: { FIRESTORE_EMULATOR_HOST: '127.0.0.1:1', EMULATOR_IMAGE: 'mine' }, runs: { ...engine, ...java } }, 'running 127.0.0.1:1'],
  ['EMULATOR_IMAGE is taken where an engine answers', { ...sdk, env: { EMULATOR_IMAGE: 'mine' }, runs: { ...engine, ...java } }, 'container mine'],
  ['an empty EMULATOR_IMAGE is none', { env: { EMULATOR_IMAGE: '' }, runs: { ...engine, 'docker image': 'sha' } }, `container ${IMAGE}`],
  ['an image that is there is taken', { ...sdk, runs: { ...engine, 'docker image': 'sha', ...java } }, `container ${IMAGE}`],
  ['an SDK is taken before an image is pulled', { ...sdk, runs: { ...engine, 'docker pull': 'sha', ...java } }, `sdk ${JAR}`],
  ['without an SDK the image is pulled', { runs: { ...engine, 'docker pull': 'sha' } }, `container ${IMAGE}`],
  ['EMULATOR_IMAGE without an engine is no emulator', { env: { EMULATOR_IMAGE: 'mine' } }, 'none no container engine answers, and there is no Google Cloud SDK'],
  ['an engine that prints nothing does not answer', { runs: { 'docker info': '\n', 'docker image': 'sha' } }, 'none no container engine answers, and there is no Google Cloud SDK'],
  ['an SDK without java is none', { ...sdk, runs: {} }, 'none no container engine answers, and there is no java'],
  ['an SDK without the component is none', { runs: java, files: [`${SDK}/platform/bq`], gcloud: `${SDK}/bin/gcloud` }, `none no container engine answers, and the Google Cloud SDK in ${SDK} lacks the firestore emulator`],
  ['an image that cannot be pulled is none', { runs: engine }, `none ${IMAGE} is not here and could not be pulled, and there is no Google Cloud SDK`],
  ['CLOUDSDK_ROOT_DIR names an SDK', { env: { CLOUDSDK_ROOT_DIR: SDK }, files: sdk.files, runs: java }, `sdk ${JAR}`],
  ['behind a wrapper script gcloud itself is asked', { files: sdk.files, gcloud: '/snap/bin/wrapper', runs: { ...java, 'gcloud info': `${SDK}\n` } }, `sdk ${JAR}`],
  ['JAVA_HOME names java', { ...sdk, env: { JAVA_HOME: '/jvm' }, runs: { '/jvm/bin/java -version': '' } }, `sdk ${JAR}`],
]

function shown(plan: ReturnType<typeof planEmulator>): string {
  switch (plan.way) {
    case 'running': return `running ${plan.host}`
    case 'container': return `container ${plan.image}`
    case 'sdk': return `sdk ${plan.args.find(argument => argument.endsWith('.jar'))}`
    case 'none': return `none ${plan.why}`
  }
}

describe('how an emulator is found', () => {
  for (const [title, has, wanted] of PLANS) it(title, () => {
    const found = shown(planEmulator('firestore', machine(has)))
    assert.equal(found.startsWith('none') ? found.replace('FIRESTORE_EMULATOR_HOST is not set, ', '').slice(0, wanted.length) : found, wanted)
  })

  it('each emulator has its own variable and jar', () => {
    assert.equal(shown(planEmulator('pubsub', machine({ ...sdk, env: { FIRESTORE_EMULATOR_HOST: '127.0.0.1:1' }, runs: java }))), `sdk ${sdk.files[1]}`)
    assert.equal(shown(planEmulator('pubsub', machine({ env: { PUBSUB_EMULATOR_HOST: '127.0.0.1:2' } }))), 'running 127.0.0.1:2')
  })

  it('nothing is asked of a machine that names a running one', () => {
    const named = machine({ env: { PUBSUB_EMULATOR_HOST: '127.0.0.1:2' }, runs: engine })
    planEmulator('pubsub', named)
    assert.deepEqual(named.asked, [])
  })

  it('the image stands in docker-compose.test.yml, with an exact tag', () => {
    assert.match(composeImage(thisMachine.compose()), /^[a-z0-9.-]+\/[a-z0-9./_-]+:\d[\w.-]*$/)
    assert.throws(() => composeImage('image: ${EMULATOR_IMAGE}'), TypeError)
  })
})
