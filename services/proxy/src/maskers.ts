/** Compiled maskers by plan: plans come from policy and repeat, so each is compiled once. */
import type { MaskPlan } from '@lockkeeper/domain'
import { createMasker, type Masker } from '@lockkeeper/masking'

const MAX_PLANS = 256

export interface Maskers {
  /** Undefined: nothing is to be masked. Throws TypeError for a plan that policy should not have let through. */
  of(plan: MaskPlan): Masker | undefined
}

export function createMaskers(): Maskers {
  const byPlan = new WeakMap<MaskPlan, Masker>()
  const byText = new Map<string, Masker>()
  return {
    of(plan) {
      if (plan.detectors.length === 0 && plan.fields.length === 0) return undefined
      const known = byPlan.get(plan)
      if (known !== undefined) return known
      const text = JSON.stringify([plan.detectors, plan.fields])
      let masker = byText.get(text)
      if (masker === undefined) {
        const made = createMasker(plan)
        if ('problem' in made) throw new TypeError(`a mask plan does not compile: ${made.problem}`)
        if (byText.size >= MAX_PLANS) byText.clear()
        byText.set(text, made)
        masker = made
      }
      byPlan.set(plan, masker)
      return masker
    },
  }
}
