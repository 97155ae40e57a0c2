/** SPDX licence expressions (spdx.github.io/spdx-spec, annex D): ids with AND, OR and parentheses. WITH and LicenseRef are never allowed. */

export function isAllowed(expression: string, allowed: readonly string[]): boolean {
  const words = expression.match(/[()]|[^\s()]+/g) ?? []
  let at = 0
  /** Undefined: not an expression. */
  const any = (): boolean | undefined => {
    let value = all()
    while (words[at] === 'OR') {
      at += 1
      const next = all()
      value = value === undefined || next === undefined ? undefined : value || next
    }
    return value
  }
  const all = (): boolean | undefined => {
    let value = one()
    while (words[at] === 'AND') {
      at += 1
      const next = one()
      value = value === undefined || next === undefined ? undefined : value && next
    }
    return value
  }
  const one = (): boolean | undefined => {
    const word = words[at]
    at += 1
    if (word !== '(') return word === undefined || /^(?:AND|OR|WITH|\))$/.test(word) ? undefined : allowed.includes(word)
    const value = any()
    at += 1
    return words[at - 1] === ')' ? value : undefined
  }
  const value = any()
  return value === true && at === words.length
}
