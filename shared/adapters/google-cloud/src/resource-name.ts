/** Whether two relative resource names (`projects/P/…`, AIP-122) name the same thing. Google may say the project's number where we said its id. */
export function isSameResource(ours: string, theirs: string): boolean {
  const [left, right] = [ours.split('/'), theirs.split('/')]
  return left.length === right.length && left.every((segment, index) => segment === right[index] || (index === 1 && isNumber(segment) !== isNumber(right[1] ?? '')))
}

const isNumber = (segment: string): boolean => /^\d{1,20}$/.test(segment)
