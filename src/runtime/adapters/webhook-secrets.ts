import type { WebhookSecrets } from "../../services/ports/ports";
import type { ServerKey } from "../config/config";

const HMAC = { name: "HMAC", hash: "SHA-256" } as const;
/** Keeps these secrets apart from anything else that is ever made with the same key. */
const TAG = "refrain:webhook-secret:v1:";

/** Secrets as HMACs of (endpoint, version): nothing is stored, and each can be shown again. */
export function webhookSecretsOf(serverKeys: readonly ServerKey[]): WebhookSecrets {
  const [newest] = serverKeys;
  if (newest === undefined) throw new Error("There is no server key.");
  return {
    newest: newest.version,
    of: async (webhookId, secretVersion, keyVersion) => {
      const known = serverKeys.find(({ version }) => version === keyVersion);
      if (known === undefined) return undefined;
      const key = await crypto.subtle.importKey("raw", bytesOf(known.secret), HMAC, false, ["sign"]);
      const mac = await crypto.subtle.sign(HMAC, key, bytesOf(`${TAG}${webhookId}:${secretVersion}`));
      return `whsec_${btoa(String.fromCharCode(...new Uint8Array(mac)))}`;
    },
  };
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
