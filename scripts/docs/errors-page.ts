/** docs/errors.md: every reason that Lockkeeper answers with. */
import { ERROR_DOMAIN, ERRORS, type ErrorReason } from '../../shared/domain/src/errors.ts'
import { GENERATED } from './generated-note.ts'

export function errorsPage(): string {
  const rows = (Object.keys(ERRORS) as readonly ErrorReason[]).map((reason) => {
    const { http, status, grpc, resent, help } = ERRORS[reason]
    return `| \`${reason}\` | ${http} | ${status} (${grpc}) | ${resent ? 'yes' : 'no'} | ${help.replaceAll('|', '\\|')} |`
  })
  return [
    '# Errors', '', GENERATED, '',
    `Errors have the shape that every Google client reads: \`google.rpc.Status\` with a \`google.rpc.ErrorInfo\` whose domain is \`${ERROR_DOMAIN}\` and whose reason is one of`,
    'these. "Sent again" says whether Google\'s clients repeat such a call by themselves; they never do after a verdict of policy or of a person.', '',
    '| reason | HTTP | gRPC status | sent again | when, and what to do |', '|---|---|---|---|---|', ...rows, '',
  ].join('\n')
}
