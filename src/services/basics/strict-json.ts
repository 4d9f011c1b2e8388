import { visit } from "jsonc-parser";
import { readPlainJson } from "../../domain/basics/plain-json";

export const JSON_DEPTH_MAX = 32;

/** Why a text is not JSON that we can trust: a sentence that says what to do. */
export class JsonFault extends Error {
  constructor(detail: string) {
    super(detail);
    this.name = "JsonFault";
  }
}

function refuse(detail: string): never {
  throw new JsonFault(detail);
}

/**
 * Parses JSON that means one thing only. JSON.parse keeps the last of two equal keys, rounds large integers and lets
 * lone surrogates through: each would give two readings of one fingerprint.
 * @throws JsonFault with the pointer or the offset of the fault.
 */
export function parseStrictJson(text: string): unknown {
  const plain = readPlainJson(text, JSON_DEPTH_MAX);
  return plain === undefined ? parseSlowly(text) : plain.value;
}

/** Finds what is wrong with a text, and where. */
function parseSlowly(text: string): unknown {
  refuseDeepNesting(text);
  const keys: Set<string>[] = [];
  visit(
    text,
    {
      onObjectBegin: () => void keys.push(new Set()),
      onObjectEnd: () => void keys.pop(),
      onObjectProperty: (name) => {
        refuseText(name);
        // Objects are copied on their way, and a copy would lose this key without a word.
        if (name === "__proto__") refuse("The key __proto__ cannot be kept. Use another.");
        if (keys.at(-1)?.has(name)) refuse(`The key ${JSON.stringify(name)} stands twice in one object. Keep one.`);
        keys.at(-1)?.add(name);
      },
      onLiteralValue: (value) => {
        if (typeof value === "string") refuseText(value);
        if (typeof value === "number") refuseInexact(value);
      },
      onError: (_error, offset) => refuse(`It is not valid JSON at character ${offset}.`),
    },
    { disallowComments: true, allowTrailingComma: false },
  );
  try {
    return JSON.parse(text);
  } catch {
    return refuse("It is not valid JSON.");
  }
}

function refuseText(value: string): void {
  if (!value.isWellFormed())
    refuse("A string holds half of a surrogate pair. Send each character outside the basic plane as a whole pair.");
  // The database's JSON functions end a text at this character: what follows it would be lost without a word.
  if (value.includes("\0")) refuse("A string holds the character U+0000. Remove it.");
}

/** By its value, not its spelling: 1e16 and 10000000000000000 are one number, and have one fingerprint. */
function refuseInexact(value: number): void {
  const isExact = Number.isInteger(value) ? Number.isSafeInteger(value) : Number.isFinite(value);
  if (!isExact) refuse("A number is too large to be read exactly. Send it as a string.");
}

/** Counts brackets outside strings, before any recursive reader sees the text. */
function refuseDeepNesting(text: string): void {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const character = text[i];
    if (inString) {
      if (character === "\\") i++;
      else if (character === '"') inString = false;
    } else if (character === '"') inString = true;
    else if (character === "{" || character === "[") {
      if (++depth > JSON_DEPTH_MAX) refuse(`It is nested deeper than ${JSON_DEPTH_MAX} levels. Make it flatter.`);
    } else if (character === "}" || character === "]") depth--;
  }
}
