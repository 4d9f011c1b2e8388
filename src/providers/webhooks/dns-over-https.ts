import { z } from "zod";
import { within } from "../../domain/basics/time-limit";
import type { NameResolver } from "../../services/ports/ports";

const RESOLVE_WITHIN_MS = 3_000;
const ANSWER_CHARACTERS_MAX = 65_536;
/** Types of records, by name and number; a CNAME stands in the answer beside the addresses that it leads to. */
const TYPES = { A: 1, AAAA: 28 } as const;
/** Codes of answers: there are records, or there is no such name. Source: RFC 1035, 4.1.1. */
const KNOWN_CODES: ReadonlySet<number> = new Set([0, 3]);

const Answer = z.object({
  Status: z.number(),
  Answer: z.array(z.object({ type: z.number(), data: z.string() })).default([]),
});

/**
 * A resolver that is asked over HTTPS, in JSON, as Cloudflare and Google have it.
 * @param url such as "https://cloudflare-dns.com/dns-query".
 */
export function dnsOverHttps(url: string, fetcher: typeof fetch): NameResolver {
  const ask = async (name: string, type: keyof typeof TYPES): Promise<readonly string[]> => {
    const query = new URL(url);
    query.searchParams.set("name", name);
    query.searchParams.set("type", type);
    const signal = AbortSignal.timeout(RESOLVE_WITHIN_MS);
    const response = await fetcher(query.href, {
      headers: { Accept: "application/dns-json" },
      redirect: "manual",
      signal,
    });
    if (!response.ok) throw new Error(`The resolver answered ${response.status}.`);
    const text = await response.text();
    if (text.length > ANSWER_CHARACTERS_MAX) throw new Error("The resolver's answer is too long.");
    const answer = Answer.parse(JSON.parse(text));
    if (!KNOWN_CODES.has(answer.Status)) throw new Error(`The resolver answered with code ${answer.Status}.`);
    return answer.Answer.filter((record) => record.type === TYPES[type]).map(({ data }) => data);
  };
  return {
    resolve: async (name) => {
      const both = await within(RESOLVE_WITHIN_MS, Promise.all([ask(name, "A"), ask(name, "AAAA")]));
      return both.flat();
    },
  };
}
