import type { Voice } from "../../domain/agents/voice";

/** How a voice treats "don't" and "do not". */
export type Register = "formal" | "casual" | "as-is";

/** Kinds of manner that rules can make heard inside a sentence. */
export type Family = "formal" | "casual" | "blunt" | "warm" | "bold" | "cautious" | "wistful";

/** What tone and traits ask for. */
export interface Manner {
  readonly register: Register;
  /** The strongest first; empty for a voice whose tone and traits name none. */
  readonly families: readonly Family[];
}

const FORMAL =
  /\b(?:formal|stern|precise|academic|scholarly|dignified|official|ceremonial|ceremonious|solemn|pedantic|legal|austere|stately|proper|reserved|meticulous|strict|professional|courtly|archival|stiff|measured|exact|grave)\b/giu;
const CASUAL =
  /\b(?:casual|warm|playful|friendly|chatty|relaxed|cheerful|breezy|informal|folksy|laid-back|jolly|funny|easygoing|easy-going|goofy|cheeky|bubbly|cosy|cozy|colloquial|light-hearted)\b/giu;

const FAMILY_WORDS: Readonly<Record<Family, RegExp>> = {
  formal:
    /^(?:formal|stern|precise|academic|scholarly|dignified|official|ceremonial|ceremonious|solemn|pedantic|legal|austere|stately|proper|meticulous|strict|professional|courtly|courteous|polite|archival|stiff|measured|exact|grave|learned|erudite|noble|aristocratic|diplomatic|eloquent|unhurried|analytical|clinical|scientific|intellectual|refined|elegant|professorial|legalistic|literary|old-fashioned|regal|royal|disciplined|methodical|studious|serious|businesslike|bureaucratic)$/u,
  blunt:
    /^(?:blunt|dry|terse|laconic|curt|gruff|plain|direct|unsentimental|clipped|matter-of-fact|no-nonsense|brusque|sober|stoic|deadpan|sparse|economical|brief|cynical|grumpy|hard-boiled|sardonic|sarcastic|tough|pragmatic|practical|straightforward|frank|plain-spoken|gritty|weary|world-weary|concise|succinct|minimalist|tactless|crusty|grim|cold|detached|snarky)$/u,
  warm: /^(?:warm|warm-hearted|gentle|kind|kindly|affectionate|tender|loving|caring|motherly|fatherly|grandmotherly|soft|soothing|sweet|compassionate|generous|hospitable|empathetic|friendly|cosy|cozy|nurturing|maternal|paternal|sympathetic|supportive|comforting|patient|grateful|good-natured|big-hearted|earnest|sincere|sunny|encouraging)$/u,
  cautious:
    /^(?:cautious|careful|hesitant|modest|shy|timid|tentative|uncertain|unsure|doubtful|sceptical|skeptical|humble|nervous|anxious|diffident|wary|self-effacing|self-deprecating|circumspect|prudent|reserved|thoughtful|quiet|pensive|contemplative|introspective|philosophical|insecure|apologetic|introverted|worried|fearful|indecisive)$/u,
  bold: /^(?:bold|confident|proud|fierce|passionate|enthusiastic|dramatic|assertive|fearless|daring|boastful|flamboyant|brash|theatrical|heroic|intense|exuberant|energetic|fiery|grand|swaggering|emphatic|excitable|loud|boisterous|adventurous|ambitious|fervent|zealous|epic|grandiose|arrogant|brave|courageous|vibrant|lively|spirited|excited|melodramatic|charismatic|competitive|optimistic)$/u,
  casual:
    /^(?:casual|playful|chatty|relaxed|cheerful|breezy|informal|folksy|laid-back|jolly|funny|easygoing|easy-going|goofy|cheeky|bubbly|colloquial|light-hearted|youthful|hip|silly|whimsical|witty|humorous|upbeat|laidback|mischievous|quirky|irreverent|jokey|comic|slangy|teenage|carefree|fun|fun-loving|lighthearted|chill|zany)$/u,
  wistful:
    /^(?:wistful|nostalgic|elegiac|melancholy|melancholic|dreamy|reminiscent|sentimental|reminiscing|bittersweet|rueful|poetic|lyrical|reflective|romantic|longing|sad|sorrowful|mournful|homesick|yearning)$/u,
};
/** The order of families that are named equally often. */
const FAMILIES = ["formal", "blunt", "warm", "cautious", "bold", "casual", "wistful"] as const;
/** Nobody can sound like both: the one named more often stays; of formal and casual named equally often, neither. */
const OPPOSITES: readonly (readonly [Family, Family])[] = [
  ["formal", "casual"],
  ["blunt", "warm"],
  ["cautious", "bold"],
];
const BETWEEN_WORDS = /[^\p{L}-]+/u;

/** Reads tone and traits; the tone counts double. */
export function mannerOf(voice: Voice): Manner {
  const words = [voice.tone ?? "", voice.tone ?? "", ...voice.traits].join(" ").toLowerCase().split(BETWEEN_WORDS);
  const counts = new Map(
    FAMILIES.map((family) => [family, words.filter((word) => FAMILY_WORDS[family].test(word)).length]),
  );
  for (const [one, other] of OPPOSITES) {
    const [a, b] = [counts.get(one) ?? 0, counts.get(other) ?? 0];
    if (a > 0 && b > 0) {
      counts.set(a > b ? other : one, 0);
      if (a === b && one === "formal") counts.set(other, 0);
    }
  }
  const families = FAMILIES.filter((family) => (counts.get(family) ?? 0) > 0);
  return {
    register: registerOf(words.join(" ")),
    families: families.toSorted((a, b) => (counts.get(b) ?? 0) - (counts.get(a) ?? 0)),
  };
}

function registerOf(words: string): Register {
  const formal = words.match(FORMAL)?.length ?? 0;
  const casual = words.match(CASUAL)?.length ?? 0;
  if (formal === casual) {
    return "as-is";
  }
  return formal > casual ? "formal" : "casual";
}
