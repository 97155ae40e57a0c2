import assert from 'node:assert/strict'
import { createPeopleDirectory, createVerifier } from '@lockkeeper/auth'
import { systemClock } from '@lockkeeper/domain'
import { isRefusal } from '@lockkeeper/domain/errors'
import { openSandbox, type Sandbox } from './sandbox.ts'

describe('the sandbox\'s configuration', () => {
  let sandbox: Sandbox
  before(async () => { sandbox = await openSandbox(0) })
  after(() => sandbox.close())

  const agentOf = async (sponsor: string | undefined) => {
    const { config, people } = sandbox.loaded
    const verifier = createVerifier({ issuers: config.issuers, people: createPeopleDirectory(people), clock: systemClock, mode: 'sandbox' })
    const agent = await verifier.verifyToken(await sandbox.idp.mintAgentToken({ agent: 'coder', run: 'try-1', ...(sponsor === undefined ? {} : { sponsor }) }))
    return isRefusal(agent) ? assert.fail(agent.message) : agent
  }

  it('an agent is known with its sponsor and without one', async () => {
    const [sponsored, alone] = [await agentOf('sam.sponsor@sandbox.example.com'), await agentOf(undefined)]
    assert.deepEqual([sponsored.id, sponsored.run, alone.id, alone.run], ['coder', 'try-1', 'coder', 'try-1'])
    assert.notEqual(sponsored.sponsor, undefined)
    assert.equal(alone.sponsor, undefined)
  })
})
