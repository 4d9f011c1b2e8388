import type { HashedApiKey } from "../../data/access/api-key-store";
import type { Database } from "../../data/database/database";

/** A removed key is refused everywhere within this time: no isolate knows a key for longer without another look at D1. */
export const KEY_KNOWN_MS = 10_000;
/** Keys that one isolate knows for one database: some hundred bytes each. */
export const KNOWN_KEYS_MAX = 1_000;

interface KnownKey {
  readonly key: HashedApiKey;
  readonly readAtMs: number;
}

/** Where a look at D1 for a key began. */
export interface KeyLook {
  readonly atMs: number;
  readonly removals: number;
}

/**
 * The keys that callers of this isolate proved lately, so that not every call reads its key from D1. It holds the
 * SHA-256 of a secret and never the secret: each call still proves that it has it.
 *
 * Only a key whose secret was verified is kept, so that a caller who tries keys out neither fills it nor learns from it. It
 * knows no promises, because a Worker must not wait for what another call began: calls that come together while the key
 * is unknown each read it.
 */
export class KnownKeys {
  /** In the order in which they were kept, which is the order in which they end. */
  readonly #known = new Map<string, KnownKey>();
  #removals = 0;

  /** Taken before D1 is read. @param nowMs of the clock port. */
  look(nowMs: number): KeyLook {
    return { atMs: nowMs, removals: this.#removals };
  }

  /** The key, or undefined: then D1 decides, also whether a key is past its end. */
  find(id: string, nowMs: number): HashedApiKey | undefined {
    const known = this.#known.get(id);
    if (known === undefined) return undefined;
    const { key, readAtMs } = known;
    // A clock that was put back ends it too.
    const isFresh = readAtMs <= nowMs && nowMs < readAtMs + KEY_KNOWN_MS;
    if (isFresh && (key.expiresAtMs === null || nowMs < key.expiresAtMs)) return key;
    this.#known.delete(id);
    return undefined;
  }

  /**
   * Keeps a key that D1 gave and whose secret was verified. Its time counts from before the read: what D1 read may be as
   * old as that.
   *
   * It is not kept when a key was removed here since. The look may have read the key before the DELETE, and come here
   * after {@link forget}: then nothing would forget it. A look that begins after `forget` begins after the DELETE, and
   * finds no key. One count for all keys is enough: a look that loses its place for another key only looks again.
   */
  keep(key: HashedApiKey, look: KeyLook): void {
    if (look.removals !== this.#removals) return;
    this.#known.delete(key.id);
    this.#known.set(key.id, { key, readAtMs: look.atMs });
    const [oldest] = this.#known.keys();
    if (this.#known.size > KNOWN_KEYS_MAX && oldest !== undefined) this.#known.delete(oldest);
  }

  /** To be called once D1 has answered to the DELETE, whatever it answered. */
  forget(id: string): void {
    this.#removals += 1;
    this.#known.delete(id);
  }
}

const opened = new WeakMap<Database["$client"], KnownKeys>();

/** Those of a D1 binding, which outlives the handles that are made for each request. */
export function knownKeysOf({ $client }: Database): KnownKeys {
  const known = opened.get($client) ?? new KnownKeys();
  opened.set($client, known);
  return known;
}
