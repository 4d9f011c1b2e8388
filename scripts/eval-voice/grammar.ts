/** Faults that a rule can see for certain, by kind. */
export const FAULT_KINDS = {
  "a or an":
    /\ba (?=[aeio](?!ne\b|nce\b|u)|u(?!ni|s[eu]|til|k|biq|r[aeiou]))[a-z]|\ban (?![aeiou8]|hour|honest|hono|heir|11|18|[AEFHILMNORSX][A-Z])[a-zA-Z]/gu,
  "doubled space": /\S {2,}\S/gu,
  "doubled mark": /,,|,\.|\.,|;;|;,|,;|::|:,|,:|[!?],|,[!?]|!\.|\?\.|\.;|;\.| [,.;?!](?=\s|$)/gu,
  "small letter after a sentence": /^\p{Ll}|(?<![.\p{Lu}]|\b(?:etc|vs|e\.g|i\.e|a\.m|p\.m|Mr|Mrs|Dr|St))[.!?] \p{Ll}/gu,
  "doubled word":
    /\b(the|a|an|is|was|are|were|am|i|it|to|of|and|but|so|in|on|rather|quite|truly|ever|very|most|perhaps|indeed|dear) \1\b/giu,
  agreement:
    /\b(?:I (?:is|are|were(?! to)|has|does)|(?:we|they) (?:is|was|has|am|does)|(?<=^|[.!?,;] |\b(?:and|but|so|that|because|when|if) )you (?:is|was|has|am|does)|(?:he|she|it) (?:are|am|have|do)(?! you| we| they| I))\b/gu,
} as const;

export type FaultKind = keyof typeof FAULT_KINDS;

export const faultKinds: readonly FaultKind[] = [
  "a or an",
  "doubled space",
  "doubled mark",
  "small letter after a sentence",
  "doubled word",
  "agreement",
];

/** How faults of the source are told apart; the report prints it. */
export const FAULTS_OF_THE_SOURCE =
  "A fault counts where a text has more of its kind than its source: what the source has itself is not the voice's.";

/** Faults that the result has beyond those of its source, with the words around. */
export function newFaults(
  source: string,
  result: string,
): readonly { readonly kind: FaultKind; readonly where: string }[] {
  return faultKinds.flatMap((kind) => {
    const inSource = [...source.matchAll(FAULT_KINDS[kind])].length;
    const found = [...result.matchAll(FAULT_KINDS[kind])];
    return found.slice(inSource).map((match) => ({
      kind,
      where: result.slice(Math.max(0, match.index - 20), match.index + match[0].length + 20),
    }));
  });
}
