import { hexOf } from "../../domain/ids";
import type { PutKeys } from "../../services/ports/ports";
import type { ServerKey } from "../config/config";

const HMAC = { name: "HMAC", hash: "SHA-256" } as const;
/** Keeps these keys apart from anything else that is ever made with the same secret. */
const TAG = "refrain:put-key:v1:";

/** Put keys as HMACs of ids: nothing is stored, and a repeated reservation can show its key again. */
export function putKeysOf(serverKeys: readonly ServerKey[]): PutKeys {
  const imported = new Map<string, Promise<CryptoKey>>();
  const keyOf = ({ version, secret }: ServerKey) => {
    const key =
      imported.get(version) ??
      crypto.subtle.importKey("raw", new TextEncoder().encode(secret), HMAC, false, ["sign", "verify"]);
    imported.set(version, key);
    return key;
  };
  return {
    make: async (taskId) => {
      const [newest] = serverKeys;
      if (newest === undefined) throw new Error("There is no server key.");
      const mac = await crypto.subtle.sign(HMAC, await keyOf(newest), textOf(taskId));
      return `${newest.version}.${hexOf(new Uint8Array(mac))}`;
    },
    isRight: async (taskId, putKey) => {
      const [, version, hex = ""] = /^(\d{1,9})\.([0-9a-f]{64})$/.exec(putKey) ?? [];
      const known = serverKeys.find((key) => key.version === version);
      if (known === undefined) return false;
      // The platform compares in constant time.
      return crypto.subtle.verify(HMAC, await keyOf(known), bytesOf(hex), textOf(taskId));
    },
  };
}

function textOf(taskId: string): Uint8Array {
  return new TextEncoder().encode(TAG + taskId);
}

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from({ length: hex.length / 2 }, (_, i) => Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16));
}
