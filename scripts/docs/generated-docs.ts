/** Every file of docs/ and infra/ that comes from a table or schema in the sources. */
import { peopleDocumentSchema } from '../../shared/auth/src/people.ts'
import { policyDocumentSchema } from '../../shared/policy-engine/src/document.ts'
import { targetsDocumentSchema } from '../../shared/policy-engine/src/target-document.ts'
import { gatewaySchema } from '../../services/cli/src/gateway/config-schema.ts'
import { readWorkspace } from '../checks/workspace.ts'
import { configurationPage } from './configuration-page.ts'
import { errorsPage } from './errors-page.ts'
import { messagingFiles } from './event-schemas.ts'
import { eventsPage } from './events-page.ts'
import { jsonSchemaOf, type JsonSchema } from './json-schemas.ts'
import { openApiFiles } from './openapi.ts'
import { readComments } from './schema-comments.ts'

/** File from the root → content. */
export function generatedDocs(root: string): ReadonlyMap<string, string> {
  const packages = readWorkspace(root)
  const gateway = jsonSchemaOf(gatewaySchema, 'lockkeeper.yaml', readComments(root, packages, 'services/cli/src/gateway/config-schema.ts', 'gatewaySchema'))
  const people = jsonSchemaOf(peopleDocumentSchema, 'people.yaml', readComments(root, packages, 'shared/auth/src/people.ts', 'peopleDocumentSchema'))
  const policy = jsonSchemaOf(policyDocumentSchema, 'A Lockkeeper policy', readComments(root, packages, 'shared/policy-engine/src/document.ts', 'policyDocumentSchema'))
  const targets = jsonSchemaOf(targetsDocumentSchema, 'targets.yaml', readComments(root, packages, 'shared/policy-engine/src/target-document.ts', 'targetsDocumentSchema'))
  return new Map([
    ['docs/configuration.md', configurationPage(gateway)],
    ['docs/errors.md', errorsPage()],
    ['docs/events.md', eventsPage()],
    ['docs/lockkeeper.schema.json', asJson(gateway)],
    ['docs/people.schema.json', asJson(people)],
    ['docs/policy.schema.json', asJson(policy)],
    ['docs/targets.schema.json', asJson(targets)],
    ...messagingFiles(),
    ...openApiFiles(root),
  ])
}

function asJson(schema: JsonSchema): string {
  return `${JSON.stringify(schema, null, 2)}\n`
}
