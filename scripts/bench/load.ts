/** What the load generator sends, over and over, and what it takes for a right answer. */
export interface Load {
  readonly address: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** The same for every request; null for a new one each. */
  readonly requestId: string | null;
  readonly connections: number;
  readonly status: number;
  /** What must stand so many times in the body of an answer, where its status does not say all. */
  readonly bodyHolds?: { readonly text: string; readonly times: number };
  readonly until: { readonly seconds: number } | { readonly requests: number };
}

/** What came of it. */
export interface LoadResult {
  readonly answers: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Answers that were wrong, and connections that broke: none in a round that counts. */
  readonly faults: number;
  readonly firstFault: string | null;
}
