const NEGATION = String.raw`(?:can(?:no|['’])t|can not|won['’]t|will not|am (?:not able|unable) to|must decline to)`;
const SERVICE = String.raw`(?:help|assist|comply|do that|fulfil+|provide|rewrite|reword|rephrase|retell|generate|process|engage)`;
const EXCUSE = String.raw`(?:(?:i['’]?m|i am) (?:\w+ )?sorry|sorry|unfortunately|apologies|my apologies)[,.:;—–\s-]*(?:but )?`;
/** "I can't help with that", "I'm sorry, but I cannot assist", "As an AI language model": how a model says no. */
const REFUSAL = new RegExp(
  String.raw`(?:${EXCUSE})?\bi ${NEGATION} ${SERVICE}\b|\bas an? (?:ai|artificial intelligence|large language model|language model)\b`,
  "i",
);
/** Behind this it is a part of what is told. */
const OPENING_CHARACTERS = 120;

/**
 * Whether a text that should retell `source` refuses to, by the words it opens with. English only. A source that speaks
 * so itself may be retold so.
 */
export function refuses(source: string, text: string): boolean {
  return REFUSAL.test(text.slice(0, OPENING_CHARACTERS)) && !REFUSAL.test(source);
}
