/** What a person types before the gravest decisions; page and server ask for the same. Pure. */

/** Last segment of the first resource; the method's last part where a call names no resource. */
export function confirmWord({ resources, method }: { readonly resources: readonly string[], readonly method: string }): string {
  const segment = resources[0]?.split('/').filter((part) => part !== '').at(-1)
  return segment ?? method.split('.').at(-1) ?? method
}

/** Before everything is locked. */
export const EVERYTHING = 'everything'
