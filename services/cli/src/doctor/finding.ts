/** What one check of `doctor` found: one sentence on what is, and one on what to do about it. */
export type Result = 'ok' | 'warning' | 'problem' | 'skipped'

export interface Finding {
  readonly check: string
  readonly result: Result
  /** What is; for `skipped` the reason. */
  readonly is: string
  /** What to do; every warning and problem has it. */
  readonly todo?: string
}

/** The findings of one check, under its name. */
export interface Findings {
  ok(is: string): Finding
  skipped(why: string): Finding
  warning(is: string, todo: string): Finding
  problem(is: string, todo: string): Finding
}

export function findings(check: string): Findings {
  return {
    ok: (is) => ({ check, result: 'ok', is }),
    skipped: (is) => ({ check, result: 'skipped', is }),
    warning: (is, todo) => ({ check, result: 'warning', is, todo }),
    problem: (is, todo) => ({ check, result: 'problem', is, todo }),
  }
}
