import ipaddr from "ipaddr.js";
import { within } from "../../domain/basics/time-limit";
import type { WebhookPorts } from "../context";
import { faultAt, ServiceError } from "../errors/errors";
import type { NameResolver } from "../ports/ports";

export const WEBHOOK_URL_CHARACTERS_MAX = 2_000;
/** A creation waits for the resolver no longer: what cannot be resolved then is checked before each attempt. */
const RESOLVE_AT_CREATION_MS = 1_500;

type Guards = Pick<WebhookPorts, "resolver" | "allowHosts">;

/** Why an address may not be called: a sentence that says what to do. */
export class AddressRefused extends Error {
  constructor(detail: string) {
    super(detail);
    this.name = "AddressRefused";
  }
}

/** Names that never lead to the public internet. Sources: RFC 6761, 6762, 7686, 8375, 9476; ICANN's names of collision. */
const INNER_NAMES: ReadonlySet<string> = new Set([
  "localhost",
  "localdomain",
  "local",
  "internal",
  "intranet",
  "private",
  "corp",
  "home",
  "lan",
  "test",
  "invalid",
  "onion",
  "alt",
  "arpa",
]);
/** Public by their number, and yet the inside of a cloud: Azure's wire server. */
const PLATFORM_ADDRESSES: ReadonlySet<string> = new Set(["168.63.129.16"]);
/** The unicast addresses of the public internet: all that is outside is reserved, or was. Source: RFC 4291, IANA. */
const PUBLIC_IPV6 = ipaddr.IPv6.parseCIDR("2000::/3");

/**
 * The address as it is kept, when by its form it may be called. Only https at its own port goes to public hosts; a host
 * of the allow list is let through as it stands, by http too.
 * @throws AddressRefused
 */
export function normalAddress(given: string, { allowHosts }: Pick<Guards, "allowHosts">): string {
  const url = parse(given);
  if (url.protocol !== "https:" && url.protocol !== "http:") throw new AddressRefused("Give an address with https://.");
  if (url.username !== "" || url.password !== "")
    throw new AddressRefused("Give an address without a user and a password: messages are signed.");
  // Never sent, so it makes no other address.
  url.hash = "";
  if (allowHosts.has(url.host)) return url.href;
  if (url.protocol !== "https:") throw new AddressRefused("Give an address with https://.");
  if (url.port !== "") throw new AddressRefused("Give an address without a port: only 443 is called.");
  refuseHost(url.hostname);
  return url.href;
}

function parse(given: string): URL {
  const url = URL.parse(given);
  if (url === null || given.length > WEBHOOK_URL_CHARACTERS_MAX)
    throw new AddressRefused("Give an absolute address, such as https://hooks.example.com/refrain.");
  return url;
}

/** @param host as the URL standard has it: lower case, IDNs in ASCII, IPv4 addresses of all spellings with four numbers. */
function refuseHost(host: string): void {
  const literal = host.startsWith("[") ? host.slice(1, -1) : host;
  if (ipaddr.isValid(literal)) {
    if (!isPublicAddress(literal)) throw notPublic();
    return;
  }
  const labels = host.split(".");
  if (labels.includes("")) throw new AddressRefused("Give a host name without a dot at its end.");
  if (labels.length < 2 || INNER_NAMES.has(labels.at(-1) ?? "")) throw notPublic();
}

function notPublic(): AddressRefused {
  return new AddressRefused("Give an address of the public internet: this host lies inside of a network.");
}

/** Whether an address is one of the public internet: not private, local, shared, reserved, or another one in disguise. */
export function isPublicAddress(text: string): boolean {
  if (!ipaddr.isValid(text)) return false;
  const address = ipaddr.parse(text);
  if (PLATFORM_ADDRESSES.has(text)) return false;
  if (address.range() !== "unicast") return false;
  return address instanceof ipaddr.IPv4 || address.match(PUBLIC_IPV6);
}

/**
 * Refuses a host that has any address inside of a network, or none. To be asked right before each call: names change.
 * @param url as {@link normalAddress} gives it. @throws AddressRefused; whatever the resolver throws.
 */
export async function refuseInnerAddresses(url: string, guards: Guards): Promise<void> {
  const name = nameToResolve(normalAddress(url, guards), guards);
  if (name === undefined) return;
  const addresses = await guards.resolver.resolve(name);
  if (addresses.length === 0) throw new AddressRefused("The name of the host does not lead anywhere.");
  if (!addresses.every(isPublicAddress)) throw notPublic();
}

/** @returns undefined for a host of the allow list, and for one that is an address itself. */
function nameToResolve(url: string, { allowHosts }: Pick<Guards, "allowHosts">): string | undefined {
  const { host, hostname } = new URL(url);
  return allowHosts.has(host) || hostname.startsWith("[") || ipaddr.isValid(hostname) ? undefined : hostname;
}

/**
 * The address that a client may name, as it is kept. A name that leads nowhere now, or cannot be resolved in time, is let
 * through: it is asked again before each attempt.
 * @param pointer where it stands in the body. @throws ServiceError `webhook-refused`.
 */
export async function checkAddress(given: string, pointer: string, guards: Guards): Promise<string> {
  try {
    const url = normalAddress(given, guards);
    const name = nameToResolve(url, guards);
    if (name !== undefined && !(await addressesNow(name, guards)).every(isPublicAddress)) throw notPublic();
    return url;
  } catch (error) {
    if (!(error instanceof AddressRefused)) throw error;
    throw new ServiceError(
      "invalid",
      "webhook-refused",
      `${pointer}: ${error.message}`,
      faultAt(pointer, error.message),
    );
  }
}

function addressesNow(name: string, { resolver }: Guards): Promise<readonly string[]> {
  return within(RESOLVE_AT_CREATION_MS, resolver.resolve(name)).catch(() => []);
}

/** Asks for each name once, for one call that names many. */
export function askingOnce(resolver: NameResolver): NameResolver {
  const asked = new Map<string, Promise<readonly string[]>>();
  return {
    resolve: (name) => {
      const answer = asked.get(name) ?? resolver.resolve(name);
      asked.set(name, answer);
      return answer;
    },
  };
}
