/** Which version of something published is in force since when. Its signature covers the blob through the hash that is its version. */

export interface Pointer {
  /** SHA-256 of the blob's bytes. */
  readonly version: string
  /** Of the blob. */
  readonly key: string
  /** Grows by one with every publication; a lower one than was seen is refused. */
  readonly sequence: number
  /** Epoch ms. */
  readonly publishedAt: number
  readonly by: string
}
