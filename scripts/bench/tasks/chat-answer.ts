import { z } from "zod";

/** What a stub of the model reads of a call in OpenAI's form: the memory that is to be told. */
const Chat = z.object({ stream: z.boolean().default(false), messages: z.array(z.object({ content: z.string() })) });
const Told = z.object({ memory: z.object({ text: z.string() }) });

export interface ChatCall {
  readonly stream: boolean;
  /** The text of the memory. */
  readonly text: string;
}

export interface ChatAnswer {
  readonly type: string;
  readonly body: string;
}

const USAGE = { prompt_tokens: 70, completion_tokens: 30, total_tokens: 100 };

/** @throws ZodError when it is no call of ours. */
export function readChat(body: string): ChatCall {
  const { stream, messages } = Chat.parse(JSON.parse(body));
  const { memory } = Told.parse(JSON.parse(messages.at(-1)?.content ?? "null"));
  return { stream, text: memory.text };
}

/** The memory told again, with all of its facts, in the form that was asked for. */
export function chatAnswer({ stream, text }: ChatCall): ChatAnswer {
  const content = JSON.stringify({ text: `Aye: ${text}` });
  if (!stream) {
    const choices = [{ index: 0, message: { role: "assistant", content }, finish_reason: "stop" }];
    return { type: "application/json", body: JSON.stringify({ object: "chat.completion", choices, usage: USAGE }) };
  }
  const events = [
    { choices: [{ index: 0, delta: { role: "assistant", content }, finish_reason: null }] },
    { choices: [{ index: 0, delta: {}, finish_reason: "stop" }] },
    { choices: [], usage: USAGE },
  ].map((event) => `data: ${JSON.stringify(event)}\n\n`);
  return { type: "text/event-stream", body: `${events.join("")}data: [DONE]\n\n` };
}
