/*
 * A server with OpenAI's protocol that answers what it is told to: the tests hand its `fetch` to the client, or put it
 * behind a real socket.
 */

/** What the server was asked. */
export interface AskedModel {
  readonly url: string;
  readonly headers: Headers;
  readonly body: any;
  /** What the prompt says: the rules, and the data. */
  readonly system: string;
  readonly data: any;
  readonly signal: AbortSignal;
}

/** One answer of the script. */
export type Act = (asked: AskedModel) => Response | Promise<Response>;

export interface ScriptedModel {
  readonly fetch: typeof fetch;
  readonly asked: readonly AskedModel[];
}

/** Plays one act a call, in this order; the last one over and over. */
export function scriptedModel(...acts: readonly Act[]): ScriptedModel {
  const asked: AskedModel[] = [];
  const answer = async (input: RequestInfo | URL, init?: RequestInit) => {
    const request = new Request(input, init);
    const body: any = await request.json();
    const [system, user] = body.messages;
    const { url, headers } = request;
    const { signal } = init ?? request;
    const data = JSON.parse(user.content);
    asked.push({ url, headers, body, system: system.content, data, signal: signal ?? request.signal });
    const act = acts[Math.min(asked.length, acts.length) - 1];
    const call = asked.at(-1);
    if (act === undefined || call === undefined) throw new Error("The script is empty.");
    return act(call);
  };
  return { fetch: answer, asked };
}

export const USAGE = { prompt_tokens: 70, completion_tokens: 30, total_tokens: 100 };

/** The memory, retold as `retell` does it, in the form that is asked for. */
export function retells(retell: (text: string) => string = (text) => `Aye: ${text}`): Act {
  return (asked) => says(JSON.stringify({ text: retell(asked.data.memory.text) }))(asked);
}

/** Any content, streamed where that is asked for. */
export function says(content: string, more: { readonly usage?: object | null; readonly finish?: string } = {}): Act {
  const { usage = USAGE, finish = "stop" } = more;
  return ({ body }) => {
    if (!body.stream) {
      const choices = [{ index: 0, message: { role: "assistant", content }, finish_reason: finish }];
      return Response.json({ object: "chat.completion", choices, ...(usage && { usage }) });
    }
    const pieces = content.match(/[^]{1,7}/gu) ?? [];
    return eventStream([
      { choices: [{ index: 0, delta: { role: "assistant", content: "" }, finish_reason: null }] },
      ...pieces.map((piece) => pieceOf(piece)),
      { choices: [{ index: 0, delta: {}, finish_reason: finish }] },
      ...(usage === null ? [] : [{ choices: [], usage }]),
      "[DONE]",
    ]);
  };
}

/** An error as OpenAI words it. */
export function fails(status: number, headers: Record<string, string> = {}, error: object = {}): Act {
  return () => Response.json({ error: { message: "secret words of the server", ...error } }, { status, headers });
}

/** A body that is sent as it is. */
export function sends(body: string, type = "application/json"): Act {
  return () => new Response(body, { headers: { "content-type": type } });
}

/** Takes the call, and says nothing. */
export const saysNothing: Act = ({ signal }) =>
  new Promise((_, reject) => signal.addEventListener("abort", () => reject(new Error("aborted"))));

/** Begins to answer, and stops in the middle without an end. */
export const stalls: Act = () => streamOf(async (send) => send(event(pieceOf('{"te'))), "stays open");

/** Begins to answer, and the connection is gone. */
export const breaksOff: Act = () => streamOf(async (send) => send(event(pieceOf('{"te'))), "breaks");

/** Goes on for ever. What it has sent can be asked for. */
export function endless(): Act & { readonly sentCharacters: () => number } {
  let sent = 0;
  const piece = "and then another dog came, ".repeat(40);
  const act = () =>
    new Response(
      new ReadableStream({
        pull: (controller) => {
          sent += piece.length;
          controller.enqueue(new TextEncoder().encode(event(pieceOf(piece))));
        },
      }),
      { headers: { "content-type": "text/event-stream" } },
    );
  return Object.assign(act, { sentCharacters: () => sent });
}

function pieceOf(content: string): object {
  return { choices: [{ index: 0, delta: { content }, finish_reason: null }] };
}

function event(data: object | string): string {
  return `data: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`;
}

function eventStream(events: readonly (object | string)[]): Response {
  // Cut at odd places, as networks do.
  const text = events.map(event).join("");
  const chunks = text.match(/[^]{1,61}/gu) ?? [];
  return streamOf(async (send) => {
    for (const chunk of chunks) send(chunk);
  }, "ends");
}

function streamOf(
  write: (send: (text: string) => void) => Promise<void>,
  then: "ends" | "breaks" | "stays open",
): Response {
  const encoder = new TextEncoder();
  const body = new ReadableStream({
    start: async (controller) => {
      await write((text) => controller.enqueue(encoder.encode(text)));
      if (then === "ends") controller.close();
    },
    pull: (controller) => {
      if (then === "breaks") controller.error(new Error("connection lost"));
    },
  });
  return new Response(body, { headers: { "content-type": "text/event-stream; charset=utf-8" } });
}
