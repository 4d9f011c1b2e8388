import type { PendingItem } from "../../../data/parts/item-store";
import type { ReVoiceCommand } from "../../../domain/tasks/operations";
import type { RecallContext } from "./work-on-part";

/** Rules and form of a prompt, besides its texts; and what a text is likely to grow by. */
const TOKENS_RESERVED = 600;
const CHARACTERS_PER_TOKEN = 4;

/** What a memory is likely to use: its prompt, and a text of the memory's own length. */
export function likelyTokens(
  { agent, instructions }: Pick<ReVoiceCommand, "agent" | "instructions">,
  item: Pick<PendingItem, "source">,
  { sourceContext, agentContext }: RecallContext,
): number {
  const { name, description, persona, voice } = agent;
  const texts = [...sourceContext, ...agentContext].map(({ text }) => text);
  const own = item.source?.text ?? "";
  const characters = [own, own, instructions, name, description, persona, JSON.stringify(voice), ...texts];
  const sum = characters.reduce((sum, text) => sum + (text?.length ?? 0), 0);
  return TOKENS_RESERVED + Math.ceil(sum / CHARACTERS_PER_TOKEN);
}
