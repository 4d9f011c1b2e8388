const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const OPENING = new Set([0x5b, 0x7b]);
const CLOSING = new Set([0x5d, 0x7d]);

/**
 * Reads JSON that plainly means one thing: no key twice or named `__proto__`, whole characters without U+0000, exact
 * numbers, and no deeper than `depthMax`. In about the time of JSON.parse, because it only counts: a text with more
 * members than its value has keys names one of them twice.
 * @returns undefined for any other text; why, only a slower reader can say.
 */
export function readPlainJson(text: string, depthMax: number): { readonly value: unknown } | undefined {
  const members = countMembers(text, depthMax);
  if (members === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return countPlainKeys(value) === members ? { value } : undefined;
  } catch {
    return undefined;
  }
}

/** The colons outside of strings. @returns undefined when it is too deep for any recursive reader. */
function countMembers(text: string, depthMax: number): number | undefined {
  let depth = 0;
  let members = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === QUOTE) i = endOfString(text, i);
    else if (code === COLON) members++;
    else if (CLOSING.has(code)) depth--;
    else if (OPENING.has(code) && ++depth > depthMax) return undefined;
  }
  return members;
}

/** @returns where the quote stands that ends the string which begins at `start`, or the end of the text. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (text.charCodeAt(end - 1 - backslashes) === BACKSLASH) backslashes++;
    if (backslashes % 2 === 0) return end;
  }
  return text.length;
}

/** The keys of a value and of all in it; NaN when something in it is not plain. */
function countPlainKeys(value: unknown): number {
  if (typeof value === "string") return isPlainText(value) ? 0 : Number.NaN;
  if (typeof value === "number") return isExact(value) ? 0 : Number.NaN;
  if (typeof value !== "object" || value === null) return 0;
  if (Array.isArray(value)) return value.reduce((count: number, item: unknown) => count + countPlainKeys(item), 0);
  let count = 0;
  for (const [key, member] of Object.entries(value)) {
    if (key === "__proto__" || !isPlainText(key)) return Number.NaN;
    count += 1 + countPlainKeys(member);
  }
  return count;
}

function isPlainText(text: string): boolean {
  return text.isWellFormed() && !text.includes("\0");
}

function isExact(value: number): boolean {
  return Number.isInteger(value) ? Number.isSafeInteger(value) : Number.isFinite(value);
}
