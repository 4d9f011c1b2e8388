/** A bearer key of a namespace, without its secret: that is shown once, and stored as a hash. */
export interface ApiKey {
  readonly id: string;
  readonly namespaceId: string;
  readonly name: string;
  /** The first characters of the bearer key, so that a person can tell keys apart. */
  readonly prefix: string;
  /** From then on the key is unknown; null for a key without an end. */
  readonly expiresAtMs: number | null;
  readonly createdAtMs: number;
}
