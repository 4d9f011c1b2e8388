/*
 * A server with OpenAI's `/embeddings` that answers what it is told to. Its vectors know a few concepts: texts of the same
 * one lie close together, whatever words they have.
 */

export const EMBEDDER_DIMENSIONS = 8;

const CONCEPTS: readonly RegExp[] = [/walrus|tusks/i, /harbour|quay/i, /bread|loaf/i, /storm|gale/i];

/** What the server was asked. */
export interface AskedEmbedder {
  readonly url: string;
  readonly headers: Headers;
  readonly body: any;
  readonly signal: AbortSignal | null | undefined;
}

/** One answer of the script. */
export type EmbedderAct = (asked: AskedEmbedder) => Response | Promise<Response>;

export interface ScriptedEmbedder {
  readonly fetch: typeof fetch;
  readonly asked: AskedEmbedder[];
  /** All texts that it was sent. */
  readonly texts: () => readonly string[];
  /** What it does from now on: one act a call, in this order; the last one over and over. */
  readonly play: (...acts: readonly EmbedderAct[]) => void;
}

export function scriptedEmbedder(...acts: readonly EmbedderAct[]): ScriptedEmbedder {
  const asked: AskedEmbedder[] = [];
  let script = acts.length > 0 ? acts : [embeds()];
  let played = 0;
  return {
    asked,
    texts: () => asked.flatMap(({ body }) => body.input),
    play: (...next) => {
      [script, played] = [next, 0];
    },
    fetch: async (input, init) => {
      const request = new Request(input, init);
      const call = { url: request.url, headers: request.headers, body: await request.json(), signal: init?.signal };
      asked.push(call);
      const act = script[Math.min(played, script.length - 1)];
      played += 1;
      if (act === undefined) throw new Error("The script is empty.");
      return act(call);
    },
  };
}

/** Close to its concept; what has none has a direction of its own. Not of unit length. */
export function vectorOf(text: string, dimensions = EMBEDDER_DIMENSIONS): number[] {
  const vector = Array<number>(dimensions).fill(0);
  for (const [axis, concept] of CONCEPTS.entries()) if (concept.test(text)) vector[axis] = 3;
  if (!CONCEPTS.some((concept) => concept.test(text))) vector[CONCEPTS.length] = 3;
  // A little of its length, so that no two texts are quite the same.
  vector[dimensions - 1] = (text.length % 7) / 10;
  return vector;
}

interface Entry {
  readonly object: string;
  readonly index: number;
  readonly embedding: unknown;
}

/** Answers well, or with what `change` makes of a good answer. */
export function embeds(
  change: (data: Entry[]) => readonly object[] = (data) => data,
  dimensions?: number,
): EmbedderAct {
  return ({ body }) => {
    const data = body.input.map((text: string, index: number) => ({
      object: "embedding",
      index,
      embedding: vectorOf(text, dimensions ?? body.dimensions ?? EMBEDDER_DIMENSIONS),
    }));
    return Response.json({ object: "list", data: change(data), usage: { prompt_tokens: 7, total_tokens: 7 } });
  };
}

/** Every vector as `change` makes it. */
export function embedsAs(change: (embedding: any) => unknown): EmbedderAct {
  return embeds((data) => data.map((entry) => ({ ...entry, embedding: change(entry.embedding) })));
}

export function refuses(status: number, headers: Record<string, string> = {}): EmbedderAct {
  return () => Response.json({ error: { message: "secret words of the server", code: "no" } }, { status, headers });
}

/** Takes the call, and says nothing. */
export const isSilent: EmbedderAct = ({ signal }) =>
  new Promise((_, reject) => signal?.addEventListener("abort", () => reject(new Error("aborted"))));
