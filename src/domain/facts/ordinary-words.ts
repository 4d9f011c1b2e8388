/** Function words: never a name, wherever they stand and however they are written. */
const FUNCTION_WORDS = `
a an the this that these those some any each every either neither both all half many much more most few fewer several
such other another own same no none one ones
i me my mine myself you your yours yourself yourselves he him his himself she her hers herself it its itself we us our
ours ourselves they them their theirs themselves themself who whom whose which what whatever whoever whichever
someone somebody something anyone anybody anything everyone everybody everything nobody nothing somewhere anywhere
everywhere nowhere
and or but nor so yet for because since although though while whereas if unless until till once when whenever where
wherever why how however whether than as lest
at by from in into of off on onto out over to up upon with within without under about above across after against along
among around before behind below beneath beside besides between beyond despite down during except inside like near
outside past per through throughout toward towards underneath via amid amidst
am is are was were be been being have has had having do does did doing done can could will would shall should must
may might ought cannot not
mr mrs ms dr miss sir madam prof st
`;

/** Words that begin sentences often enough that a capital there says nothing. */
const COMMON_WORDS = `
ah aha ahoy alas anyhow anyway aw aww awesome aye bah bravo bye cheers cool dang darn dear eh er fine gee goodbye god
gosh great ha haha hah hahaha hello hey hi hm hmm hmmm hooray hurray huh lol nah nope oh ok okay omg oops ouch ow phew
please pfft right sorry sure thank thanks thx tut ugh uh uhh um umm welcome well whew whoa woah wow woohoo yay yea yeah
yep yes yup yum yikes ya yo goodness wowza btw imo imho lmao rofl congrats congratulations alright indeed nay
ago again ahead almost alone already also altogether always apart aside away back barely certainly clearly daily
early else enough especially eventually ever exactly far fast finally first forever formerly frankly funny further
generally gradually hard hardly hence here hopefully immediately instead just largely last lastly late lately later
least less little long luckily mainly maybe meanwhile merely mostly namely naturally nearby nearly never nevertheless
next nonetheless normally now nowadays obviously occasionally often only otherwise overall particularly perhaps
possibly presently previously probably properly quickly quite rarely rather really recently regardless second seldom
shortly similarly simply slowly sometimes somehow soon still straight suddenly surely then there thereafter therefore
third thus today together tomorrow tonight too truly twice typically ultimately unfortunately usually very way
yesterday afterwards afterward likewise moreover furthermore additionally personally honestly seriously sadly
apparently basically literally totally absolutely definitely definately actually originally initially
appreciate plus even anytime anyways somewhat highly oof mm mmm woo aah ooh ahh bummer kudos agreed cherish reminds turns brings gives
create gather capture respect support tackle spill stuff pets animals moments challenges conversations thoughts fingers
horses movie movies sports exams mixed mental visual domestic positive confident fantasy store basketball weddings rock
act add admit agree aim allow answer apologies appear apply arrive ask assume attend avoid bake beat become began begin
begun believe bet blame boil book bother bought break bring brought build built buy call came care carry catch caught
change chat check choose chose clean climb close collect come consider continue cook cost count cross cry cut dance
decide decided depend did die dig dinner draw dream drew drink drive drove drop eat ate end enjoy enter expect explain
face fail fall fancy feel feels feed felt fell fight figure fill find finish fit fix fly follow forget forgot forgive
fought found gave get gets getting give glad go goes going gone gonna gotta got grab grabbed greet grew grow guess
guessed had hang happen happens hate hear heard held help hide hit hold hope hoping hurry imagine improve intend join
jump keep kept kick knew know known laid land laugh lead learn learned learnt leave led left lend lent let lets lie
lift listen live look looks lose lost love loved loves made make makes manage mark marry mean means meant meet met mind
miss missed mix move moved named need needed needs note notice offer open order paid paint pass pay pick picked plan
planned plans play pray prefer prepare pretend promise pull push put quit ran reach read realize recall receive
recognise recognize record regret rejoice remain remember remembered remind rent repeat reply rest retire return ride
ring rise rode rose run said sail sailed sang save saw say says search seat see seek seem seemed seems seen sell send
sent serve set share shared shook shop shot show sign sing sit slept sleep smell smile sold solve sort sounds sound
speak spell spend spent spoke stand start started stay stayed step stick stood stop stopped study stuck suggest suit
swam sweep swim swore take takes taken talk talked taste taught teach tell tells tend test think thought threw throw
tie told took touch train travel treat tried trust try trying turn turned understand understood use used visit wait
waited wake walk walked wander want wanted wants warn wash waste watch watched wear went win wish woke won wonder wore
work worked works worry worth write wrote
able absent afraid aged angry asleep available aware bad beautiful best better big bitter black blind blue blunt bold
bored brave bright brilliant broad broken brown busy calm careful certain cheap classic clear clever cold common
complete cooler correct crazy curious cute damp dark dead deep different difficult dirty drunk dry due dull eager easy
elderly empty entire equal exact excellent exciting expensive extra fair familiar famous fat final firm flat formal
former free fresh friendly full fun general gentle giant good gorgeous grand grateful gray green grey gross guilty
half happy harsh healthy heavy helpful hidden high hot huge human hungry ill important impossible impressive inspired
interested kind large lazy light likely local lonely loose loud lovely low lucky mad main major married massive
medium minor modern naked narrow nasty neat nervous new nice noisy normal odd old older oldest ordinary original pale
perfect plain pleasant plenty poor popular possible pretty previous private proud public pure purple quick quiet random
rare raw ready real red regular rich rotten rough round rude sad safe sane scared serious severe shallow sharp shy sick
significant silent silly similar simple single slow small smart smooth soft solid sore sour special stale steady steep
strange strict strong stupid sudden sunny super sweet tall tender terrible thick thin tight tiny tired tough true
typical ugly unknown unusual upset useful usual vague various vast violent visible warm weak weird wet white whole wide
wild wise wonderful wooden worse worst wrong yellow young younger
afternoon age air aunt autumn baby bag bank bed bird birthday blood boat body books bottom boy boys boss box bread
breakfast brother brothers bus business cake camping car cars cash cat cats century chance chapter child children
church city class clothes cloud clouds club coffee college colour color company computer couple cousin crew crowd cup
dad daddy daughter dawn day days death debt depth details dinner dog dogs door doors doctor dreams dusk earth east
education evening events evidence example eyes fact facts faith fall fame family father fear feet fire fish floor
flowers folk folks food friend friends friendship fruit game games garden gas girl girls gold grandad granddad grandma
grandmother grandfather grandpa grandson granddaughter granny guests guilt guy guys hair hand hands head health heart
heat history holiday hour hours house husband ice idea ideas illness in-laws job justice keys kid kids kitchen lady
ladies letter letters life lights lots luck lunch luncheon man math meal memories memory men midday midnight milk mist
mom moment mommy money month months moon morning mornings mother mum mummy music nature neighbor neighbors neighbour
neighbours news night nights noon north number numbers office paper papa parents part people person photo photos
picture place plants poem point prices problem progress question questions rain reason river road room rules sailors
school sea season seat sense service ship shoes shops sister sisters size skills sky snow soldiers son sons song
songs soup south space spring staff stars state step story stories storm street strength students summer sun supper
sunset sunrise swimming table taxes tea teacher teachers team teamwork tears thing things tickets tides time times
tip tips top town traffic trees trip trips trouble truth type uncle video view voice volunteers wall walls war water
weather wedding week weekend weekends weeks west wife wind winds window winter woman women wood word words world years
year yoga
zero two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen
nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred hundreds thousand thousands million millions
dozen dozens fourth fifth sixth seventh eighth ninth tenth
gimme lemme kinda sorta wanna cause cuz coz tho til y'all gotcha dunno
`;

const SPACES = /\s+/u;

const FUNCTION_SET: ReadonlySet<string> = new Set(FUNCTION_WORDS.trim().split(SPACES));
const COMMON_SET: ReadonlySet<string> = new Set(COMMON_WORDS.trim().split(SPACES));

/**
 * Endings of words that are hardly ever a name. A shorter word ending the same way often is one
 * (Sally, Fred, Clint), hence the least lengths.
 */
const ORDINARY_ENDINGS: readonly (readonly [ending: string, leastLength: number])[] = [
  ["ing", 6],
  ["ally", 7],
  ["ully", 7],
  ["ately", 7],
  ["ously", 7],
  ["ently", 7],
  ["ingly", 7],
  ["edly", 7],
  ["ably", 7],
  ["ibly", 7],
  ["ess", 7],
  ["ment", 7],
  ["tion", 6],
  ["sion", 6],
  ["able", 6],
  ["ible", 7],
  ["ful", 6],
  ["ous", 6],
  ["ted", 6],
  ["ded", 6],
  ["ned", 6],
  ["sed", 6],
  ["ked", 6],
  ["ped", 6],
  ["ved", 6],
  ["led", 6],
  ["ched", 7],
  ["shed", 7],
  ["ity", 6],
  ["ism", 6],
  ["ology", 7],
  ["ship", 8],
];

/** Whether a lower-cased word only serves the grammar: "the", "with", "they". */
export function isFunctionWord(word: string): boolean {
  return FUNCTION_SET.has(word) || word.endsWith("n't");
}

/**
 * Whether a lower-cased word is ordinary English, so that a capital at the start of a sentence
 * does not make it a name. Unknown words are not ordinary: a guard would rather ask twice.
 */
export function isOrdinaryWord(word: string): boolean {
  if (isFunctionWord(word) || COMMON_SET.has(word)) {
    return true;
  }
  return ORDINARY_ENDINGS.some(([ending, least]) => word.length >= least && word.endsWith(ending));
}
