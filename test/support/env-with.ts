import { env } from "cloudflare:workers";

/**
 * The environment with other variables or bindings. An object that inherits from the real one would not do: what is
 * assigned to it ends up in the real one.
 */
export function envWith(more: object): Env {
  const own: Record<PropertyKey, unknown> = { ...more };
  return new Proxy(env, { get: (target, key) => (key in own ? own[key] : Reflect.get(target, key)) });
}
