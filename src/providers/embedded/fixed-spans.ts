/** Part of a text from `start` up to and without `end`. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

const ADDRESS =
  /(?:https?:\/\/|www\.)\S+|[#@][\p{L}\p{N}_]+|[\p{L}\p{N}._%+-]{1,64}@[\p{L}\p{N}.-]{1,253}|`[^`\n]{1,500}`|\[[^\]\n]{1,2000}\]/gu;
const WORD_CHARACTER = /[\p{L}\p{N}]/u;
const BEFORE_OPENING = /[\s([{\-–—,:;]/u;
/** Words that begin with an apostrophe of their own. */
const ELISION = /^['’‘](?:cause|cuz|em|til|tis|twas|bout|round|n|\d0s)(?![\p{L}\p{N}])/iu;
/** A single quotation mark is an apostrophe too: look no further than this for its partner. */
const SINGLE_QUOTE_REACH = 400;
const CLOSING: Readonly<Record<string, string>> = { "“": "”", "«": "»", "„": "“", '"': '"' };

/** Quoted speech, bracketed notes, code and addresses: what no rule may touch. In order, without overlap. */
export function findFixedSpans(text: string): Span[] {
  const spans = [...text.matchAll(ADDRESS)].map((match) => ({
    start: match.index,
    end: match.index + match[0].length,
  }));
  spans.push(...quotedSpans(text));
  spans.sort((a, b) => a.start - b.start || b.end - a.end);
  const merged: { start: number; end: number }[] = [];
  for (const span of spans) {
    const last = merged.at(-1);
    if (last !== undefined && span.start < last.end) {
      last.end = Math.max(last.end, span.end);
    } else {
      merged.push({ ...span });
    }
  }
  return merged;
}

function quotedSpans(text: string): Span[] {
  const spans: Span[] = [];
  const unclosed = new Set<string>();
  let at = 0;
  while (at < text.length) {
    const mark = text.charAt(at);
    const partner = CLOSING[mark];
    let end = -1;
    if (partner !== undefined && !unclosed.has(mark)) {
      end = text.indexOf(partner, at + 1);
      if (end < 0) {
        unclosed.add(mark);
      }
    } else if (mark === "'" || mark === "‘") {
      end = singleQuoteEnd(text, at);
    }
    if (end > 0) {
      spans.push({ start: at, end: end + 1 });
      at = end;
    }
    at += 1;
  }
  return spans;
}

function singleQuoteEnd(text: string, at: number): number {
  const before = text.charAt(at - 1);
  const follows = text.charAt(at + 1);
  if (
    (before !== "" && !BEFORE_OPENING.test(before)) ||
    !WORD_CHARACTER.test(follows) ||
    ELISION.test(text.slice(at, at + 8))
  ) {
    return -1;
  }
  const reach = Math.min(text.length, at + SINGLE_QUOTE_REACH);
  for (let end = at + 2; end < reach; end += 1) {
    const mark = text.charAt(end);
    if (mark === "\n") {
      return -1;
    }
    if ((mark === "'" || mark === "’") && !WORD_CHARACTER.test(text.charAt(end + 1)) && text.charAt(end - 1) !== " ") {
      return end;
    }
  }
  return -1;
}
