/** Base form, past tense and past participle of verbs that do not just take "-ed". */
export interface VerbForms {
  readonly base: string;
  readonly past: string;
  readonly participle: string;
}

const FORMS = `
be was been, bear bore borne, beat beat beaten, become became become, begin began begun, bend bent bent, bet bet bet,
bind bound bound, bite bit bitten, bleed bled bled, blow blew blown, break broke broken, breed bred bred,
bring brought brought, build built built, burst burst burst, buy bought bought, catch caught caught,
choose chose chosen, cling clung clung, come came come, cost cost cost, creep crept crept, cut cut cut, deal dealt dealt,
dig dug dug, do did done, draw drew drawn, drink drank drunk, drive drove driven, eat ate eaten, fall fell fallen,
feed fed fed, feel felt felt, fight fought fought, find found found, flee fled fled, fling flung flung, fly flew flown,
forbid forbade forbidden, forget forgot forgotten, forgive forgave forgiven, freeze froze frozen, get got got,
give gave given, go went gone, grind ground ground, grow grew grown, hang hung hung, have had had, hear heard heard,
hide hid hidden, hit hit hit, hold held held, hurt hurt hurt, keep kept kept, kneel knelt knelt, know knew known,
lay laid laid, lead led led, leave left left, lend lent lent, let let let, lie lay lain, light lit lit, lose lost lost,
make made made, mean meant meant, meet met met, mistake mistook mistaken, pay paid paid, put put put, quit quit quit,
read read read, ride rode ridden, ring rang rung, rise rose risen, run ran run, say said said, see saw seen,
seek sought sought, sell sold sold, send sent sent, set set set, sew sewed sewn, shake shook shaken, shed shed shed,
shine shone shone, shoot shot shot, show showed shown, shrink shrank shrunk, shut shut shut, sing sang sung,
sink sank sunk, sit sat sat, sleep slept slept, slide slid slid, sling slung slung, slink slunk slunk, speak spoke spoken,
spend spent spent, spin spun spun, spit spat spat, split split split, spread spread spread, spring sprang sprung,
stand stood stood, steal stole stolen, stick stuck stuck, sting stung stung, stink stank stunk, stride strode stridden,
strike struck struck, string strung strung, strive strove striven, swear swore sworn, sweep swept swept,
swell swelled swollen, swim swam swum, swing swung swung, take took taken, teach taught taught, tear tore torn,
tell told told, think thought thought, throw threw thrown, understand understood understood, undergo underwent undergone,
undertake undertook undertaken, upset upset upset, wake woke woken, wear wore worn, weave wove woven, weep wept wept,
wed wed wed, win won won, wind wound wound, withdraw withdrew withdrawn, wring wrung wrung, write wrote written,
outgrow outgrew outgrown, overcome overcame overcome, overhear overheard overheard, oversleep overslept overslept,
redo redid redone, rebuild rebuilt rebuilt, repay repaid repaid, rewrite rewrote rewritten, learn learnt learnt,
dream dreamt dreamt, burn burnt burnt, spell spelt spelt, spill spilt spilt, leap leapt leapt, lean leant leant,
smell smelt smelt, cast cast cast, thrust thrust thrust, broadcast broadcast broadcast, bid bid bid, rid rid rid
`;

const ALL: readonly VerbForms[] = FORMS.trim()
  .split(/,\s*/u)
  .map((line) => {
    const [base = "", past = "", participle = ""] = line.split(" ");
    return { base, past, participle };
  });
const BY_BASE: ReadonlyMap<string, VerbForms> = new Map(ALL.map((forms) => [forms.base, forms]));
const PASTS: ReadonlySet<string> = new Set([...ALL.map((forms) => forms.past), "were", "awoke", "arose", "bade"]);
const PARTICIPLES: ReadonlySet<string> = new Set([
  ...ALL.map((forms) => forms.participle),
  "gotten",
  "proven",
  "awoken",
]);

/** Forms that are also a base form: "I read" may be today or last year. */
const SAME_AS_BASE: ReadonlySet<string> = new Set(
  [...PASTS].filter((past) => BY_BASE.has(past) && !["found", "felt", "saw", "left", "ground"].includes(past)),
);
/** Verbs whose base form ends like a past tense. */
const ED_BASES: ReadonlySet<string> = new Set(
  "need feed speed heed weed seed bleed breed proceed succeed exceed embed shred wed shed".split(" "),
);

/** The irregular forms of a base form; undefined for a regular verb. */
export function irregularForms(base: string): VerbForms | undefined {
  return BY_BASE.get(base);
}

/** Whether past and present are written alike: "put", "read", "lay". */
export function isTenseless(word: string): boolean {
  return SAME_AS_BASE.has(word);
}

/** Whether a lower-cased word is a past tense by its form: "went", "walked". */
export function isPastForm(word: string): boolean {
  return PASTS.has(word) || (word.endsWith("ed") && !ED_BASES.has(word));
}

/** Whether a lower-cased word may follow "have" by its form: "gone", "walked". */
export function isParticiple(word: string): boolean {
  return PARTICIPLES.has(word) || (word.endsWith("ed") && !ED_BASES.has(word));
}
