import type { FieldState } from './field-paths.ts'
import type { MemberFacts } from './member-names.ts'
import { NO_MEMBER } from './member-names.ts'

interface Level {
  readonly isObject: boolean
  /** State of the container itself. */
  readonly field: FieldState
  /** The member that holds it; elements of arrays count as values of the array's member. */
  readonly member: MemberFacts
  /** Names masked in this object so far. */
  maskedNames: number
}

/** The way from the root to the value at hand: what its place says about it. */
export class DocumentPath {
  /** State of the field paths at the value. */
  field: FieldState
  /** The member that holds the value, also through arrays. */
  member: MemberFacts = NO_MEMBER
  readonly #levels: Level[] = []
  #level: Level | undefined

  constructor(root: FieldState) {
    this.field = root
  }

  get depth(): number {
    return this.#levels.length
  }

  /** A value begins; in an object, `enterMember` was called before. */
  enterValue(): void {
    const level = this.#level
    if (level === undefined || level.isObject) return
    this.field = level.field.element()
    this.member = level.member
  }

  enterMember(member: MemberFacts): void {
    this.member = member
    this.field = this.#level?.field.member(member.name) ?? this.field
  }

  open(isObject: boolean): void {
    this.#level = { isObject, field: this.field, member: this.member, maskedNames: 0 }
    this.#levels.push(this.#level)
  }

  close(): void {
    this.#levels.pop()
    this.#level = this.#levels.at(-1)
  }

  /** The value, or the object right around it, has a name that says base64. */
  get isBase64(): boolean {
    return this.member.base64 || (this.#level?.isObject === true && this.#level.member.base64)
  }

  /** 1 for the first masked name of this object, and so on. */
  nextMaskedName(): number {
    return this.#level === undefined ? 1 : ++this.#level.maskedNames
  }
}
