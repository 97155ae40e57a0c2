/** Who is signed in. */
import { createContext, useContext } from 'react'
import type { Me } from '../src/api-types.ts'

export const MeContext = createContext<Me | undefined>(undefined)

export function useMe(): Me {
  const me = useContext(MeContext)
  if (me === undefined) throw new TypeError('a page stands outside the session')
  return me
}
