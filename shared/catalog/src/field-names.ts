/** Google's APIs take each field and argument in two spellings; Discovery's is the one that is judged and sent. */

/** `page_size` → `pageSize`, `options.requested_policy_version` → `options.requestedPolicyVersion`. A name without underscores stays. */
export function camelCase(name: string): string {
  return name.includes('_') ? name.replace(/(?<=[a-zA-Z0-9])_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase()) : name
}
