/**
 * English words that say nothing about what a memory is about: a search leaves them out, because nearly every memory
 * holds them. Words that are also a name or a month ("will", "may", "mark") are not here: the rarity weights of the
 * index take care of them.
 */
const WORDS = `
a an the this that these those such
i me my mine myself we us our ours ourselves you your yours yourself yourselves he him his himself she her hers herself
it its itself they them their theirs themselves
who whom whose which what when where why how
and or but nor so yet if then than because since while although though unless until as whether
of to in on at by for from with without about into onto over under up down out off through during before after above
below between against across along around among upon within toward towards
am is are was were be been being have has had having do does did doing done can could would should shall might must
no not only own same other others another any some each every both either neither all more most much many few several
again also too very just really quite even still ever never always almost already rather once now here there
im ive id dont doesnt didnt cant couldnt wont wouldnt isnt wasnt arent thats whats youre theyre
oh ok okay yes yeah
`;

export const STOP_WORDS: ReadonlySet<string> = new Set(WORDS.trim().split(/\s+/u));
