import canonicalize from "canonicalize";
import { sha256Hex } from "../../domain/ids";
import type { RequestMaterial } from "../../domain/requests/request";

interface Fingerprint {
  /** Canonical JSON, RFC 8785. */
  readonly material: string;
  /** SHA-256 of it, hex. */
  readonly fingerprint: string;
}

/** The same for all JSON texts that mean the same: key order and spelling of numbers do not count. */
export async function fingerprintOf(request: RequestMaterial): Promise<Fingerprint> {
  const material = canonicalize(request);
  if (material === undefined) throw new Error("A request that was parsed from JSON has no canonical form.");
  return { material, fingerprint: await sha256Hex(material) };
}
