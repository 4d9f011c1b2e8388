/**
 * List prices of the Workers Paid plan in US dollars for a million of each, beyond what the plan includes. Source: the pricing
 * pages of Workers, D1, Queues, Durable Objects and R2 on developers.cloudflare.com, as of November 2026.
 */
export const PRICES = {
  worker_requests: 0.3,
  worker_cpu_ms: 0.02,
  d1_rows_read: 0.001,
  d1_rows_written: 1,
  queue_operations: 0.4,
  object_requests: 0.15,
  object_rows_read: 0.001,
  object_rows_written: 1,
  bucket_class_a: 4.5,
  bucket_class_b: 0.36,
} as const;

/** How many of each priced thing a run used. */
export type Used = Readonly<Record<keyof typeof PRICES, number>>;

export interface CostLine {
  readonly item: keyof typeof PRICES;
  readonly per_memory: number;
  /** Dollars for a million of the item. */
  readonly price: number;
  /** Dollars for a million memories. */
  readonly dollars: number;
}

/** What a million memories cost, by what `memories` of them used; the dearest first. */
export function costOfMillion(used: Used, memories: number): readonly CostLine[] {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the keys of a constant
  const items = Object.keys(PRICES) as (keyof typeof PRICES)[];
  return items
    .map((item) => {
      const per_memory = used[item] / memories;
      // A million memories use a million times as much, and the price is that of a million.
      return { item, per_memory, price: PRICES[item], dollars: per_memory * PRICES[item] };
    })
    .toSorted((a, b) => b.dollars - a.dollars);
}

export function totalDollars(lines: readonly CostLine[]): number {
  return lines.reduce((total, { dollars }) => total + dollars, 0);
}
