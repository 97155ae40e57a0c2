/** A Bloom filter over the words of one segment: says surely that a word is not there, and nearly surely that it is. */
const BITS_PER_TERM = 16
const PROBES = 5

export class TermFilter {
  readonly #bits: Uint32Array
  readonly #mask: number

  constructor(terms: ReadonlySet<string>) {
    let bits = 256
    while (bits < terms.size * BITS_PER_TERM) bits *= 2
    this.#bits = new Uint32Array(bits / 32)
    this.#mask = bits - 1
    for (const term of terms) this.#probe(term, (word, bit) => { this.#bits[word] = (this.#bits[word] as number) | bit; return true })
  }

  get bytes(): number { return this.#bits.byteLength }

  mayHave(term: string): boolean {
    return this.#probe(term, (word, bit) => ((this.#bits[word] as number) & bit) !== 0)
  }

  #probe(term: string, visit: (word: number, bit: number) => boolean): boolean {
    const [first, second] = hashes(term)
    for (let probe = 0; probe < PROBES; probe++) {
      const place = (first + Math.imul(probe, second)) & this.#mask
      if (!visit(place >>> 5, 1 << (place & 31))) return false
    }
    return true
  }
}

/** FNV-1a and a mix of it; the second is odd, so that probes differ. Only speed hangs on them, nothing is proven by them. */
function hashes(text: string): readonly [number, number] {
  let hash = 0x811c9dc5
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return [hash >>> 0, (mixed ^ (mixed >>> 16)) | 1]
}
