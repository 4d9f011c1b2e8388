/** Part-of-speech tags of the words of a text, found by the offset at which a word starts. */
export type TagsAt = (offset: number) => ReadonlySet<string>;

const NO_TAGS: ReadonlySet<string> = new Set();

/**
 * Tags a text with compromise. Its lexicon takes some 140 ms to unpack, so it is loaded at the first use
 * and not when the Worker starts.
 */
export async function tagWords(text: string): Promise<TagsAt> {
  const { default: nlp } = await import("compromise/two");
  const tags = new Map<number, ReadonlySet<string>>();
  let offset = 0;
  for (const sentence of nlp(text).docs) {
    for (const term of sentence) {
      offset += term.pre.length;
      // A contraction is one written term and an empty one that only holds the second word's tags.
      if (term.text !== "") {
        tags.set(offset, new Set(term.tags));
      }
      offset += term.text.length + term.post.length;
    }
  }
  return (at) => tags.get(at) ?? NO_TAGS;
}
