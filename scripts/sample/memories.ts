/** A memory as the API takes it. */
export interface SampleMemory {
  readonly text: string;
  /** RFC 3339, UTC. */
  readonly occurred_at: string;
  /** 1 (a passing thought) to 10 (changed everything). */
  readonly importance: number;
  readonly type?: "observation" | "integration";
}

/** The first years of Ruth Tallis, who mends clocks in Leith. She and everyone around her are invented. */
export const earlyMemories: readonly SampleMemory[] = [
  {
    text: "I signed the lease for the shop on Constitution Street this morning. The rent is £640 a month, and my hand shook so much that the T of Tallis went through the paper.",
    occurred_at: "2016-02-01T09:15:00Z",
    importance: 9,
  },
  {
    text: 'My brother Owen painted the sign and spelled it "Clocks Mended Hear". We laughed until the ladder wobbled, and I kept it.',
    occurred_at: "2016-02-06T16:40:00Z",
    importance: 4,
  },
  {
    text: "My first customer was Mrs. Abernathy with a cuckoo clock from Triberg. The bird had lost its head in 1987 and she had kept the head in a matchbox ever since.",
    occurred_at: "2016-02-20T11:05:00Z",
    importance: 5,
  },
  {
    text: "I wind the shop every morning at seven thirty: eleven clocks, always from left to right. If I start on the right I feel wrong all day.",
    occurred_at: "2016-03-12T07:30:00Z",
    importance: 3,
  },
  {
    text: "I dropped a French carriage clock today. It was worth £1,200 and it wasn't mine, so I rang Mr. Okafor, told him the truth, and he said his wife had always hated it.",
    occurred_at: "2016-04-02T13:20:00Z",
    importance: 6,
  },
  {
    text: "I met Callum Reid at the ironmonger's; we both reached for the last box of brass pins. He let me have it and asked what they were for, and then he really listened to the answer.",
    occurred_at: "2016-05-18T18:00:00Z",
    importance: 5,
  },
  {
    text: "Callum took me to Portobello and we ate chips in the rain. I told him about the carriage clock and he didn't laugh, which is why I said yes to a second evening.",
    occurred_at: "2016-06-09T19:45:00Z",
    importance: 6,
  },
  {
    text: "A boy named Idris came in and asked whether clocks know what time it is. I have thought about that more than I'd like to admit.",
    occurred_at: "2016-07-23T10:10:00Z",
    importance: 4,
  },
  {
    text: "Dad sold the house in Hawick and gave me Grandad's lathe. It took four men to lift it, and one of them swore in Polish the whole way up the stairs.",
    occurred_at: "2016-09-03T15:00:00Z",
    importance: 7,
  },
  {
    text: "The clocks went back at two and I was in the shop with a torch to see it. Nothing happened, of course, but I felt I ought to be there.",
    occurred_at: "2016-10-30T02:30:00Z",
    importance: 3,
  },
  {
    text: "I kept the shop open until five on Christmas Eve and sold two alarm clocks and a barometer. The barometer said Storm all evening and was right.",
    occurred_at: "2016-12-24T17:10:00Z",
    importance: 5,
  },
  {
    text: "I burned my left thumb on the soldering iron because I was arguing with the radio. The nurse at the Western General told me that I should change the station.",
    occurred_at: "2017-01-14T08:50:00Z",
    importance: 6,
  },
  {
    text: "I asked Callum to move in with me. He said he would have to bring the cello, and I said the cello could have the good chair.",
    occurred_at: "2017-02-11T14:25:00Z",
    importance: 8,
  },
  {
    text: "We adopted Biscuit from the shelter at Seafield. She is a three-legged lurcher, nine years old, and she stole my sandwich before we had signed the form.",
    occurred_at: "2017-03-19T09:00:00Z",
    importance: 7,
  },
  {
    text: "I tried to teach evening classes at the community centre and only two people came. One of them thought the class was about clogs.",
    occurred_at: "2017-05-06T12:15:00Z",
    importance: 5,
  },
  {
    text: "Callum and I walked up Arthur's Seat on the longest day and watched the light refuse to go. He played nothing and said nothing, and it was the best concert I've heard.",
    occurred_at: "2017-06-21T21:40:00Z",
    importance: 6,
  },
  {
    text: "The Fringe sent me a clown from Marseille whose pocket watch had stopped during the show. I fixed it in twenty minutes, and he paid me with a ticket and a paper rose.",
    occurred_at: "2017-08-15T10:30:00Z",
    importance: 7,
  },
  {
    text: 'Mum rang from Inverness with the word "biopsy" in the third sentence. I was holding a balance wheel and I didn\'t drop it.',
    occurred_at: "2017-09-28T16:05:00Z",
    importance: 8,
  },
  {
    text: "The tumour was benign. I closed the shop at noon, bought Mum a cake with far too much cream, and drove 156 miles to give it to her.",
    occurred_at: "2017-10-12T11:50:00Z",
    importance: 9,
  },
  {
    text: "I gave up sugar on Monday. By Thursday I was dreaming of Tunnock's wafers, and I ate three of them on Friday with no regret at all.",
    occurred_at: "2018-01-08T20:20:00Z",
    importance: 4,
  },
  {
    text: "The snow was so deep that I skied to work along Great Junction Street. No customer came, but a postman from Musselburgh did, and we shared my soup.",
    occurred_at: "2018-03-02T07:55:00Z",
    importance: 5,
  },
  {
    text: "St Giles' asked me to look after their tower clock for £2,400 a year. I said I'd have to think about it, went outside, and jumped up and down behind a van.",
    occurred_at: "2018-04-17T13:35:00Z",
    importance: 8,
  },
  {
    text: "I climbed 183 steps to the tower clock before breakfast and found a pigeon asleep in the works. I named it Escapement and carried it down in my hat.",
    occurred_at: "2018-05-29T06:10:00Z",
    importance: 6,
  },
  {
    text: "Callum and I got married at the registry office on a Saturday, with six guests, one dog and no speeches. Owen cried first, then the registrar.",
    occurred_at: "2018-07-14T15:30:00Z",
    importance: 10,
  },
  {
    text: "On our honeymoon in Orkney I mended the clock of the Stromness ferry office because I couldn't stand it being eleven minutes slow. Callum timed me and told everyone at dinner.",
    occurred_at: "2018-07-22T18:45:00Z",
    importance: 5,
  },
  {
    text: "A man in a good coat tried to sell me a watch that I knew had been stolen from Mrs. Abernathy. I kept him talking about rugby until PC Dalgleish arrived.",
    occurred_at: "2018-10-05T09:40:00Z",
    importance: 6,
  },
  {
    text: "I made marmalade with Callum's aunt Morag, who doesn't believe in recipes. We filled nineteen jars, and only four of them set.",
    occurred_at: "2018-12-02T14:00:00Z",
    importance: 4,
  },
  {
    text: "I hired Idris for Saturdays at £8 an hour. He is fourteen now, has better eyes than I do, and hums when he is happy.",
    occurred_at: "2019-02-16T10:20:00Z",
    importance: 7,
  },
  {
    text: "I lost my favourite screwdriver for three weeks. It was in the freezer with the peas, and neither of us will say who put it there.",
    occurred_at: "2019-04-09T17:30:00Z",
    importance: 5,
  },
  {
    text: "I swam in the sea at Gullane with Priya from the bakery. The water was 11 degrees and I said words that Biscuit had never heard.",
    occurred_at: "2019-06-01T08:00:00Z",
    importance: 6,
  },
  {
    text: "I played second violin in Callum's scratch orchestra though I hadn't touched it since I was seventeen. I was dreadful, and I want to do it again next year.",
    occurred_at: "2019-08-30T22:15:00Z",
    importance: 7,
  },
  {
    text: "The fire started in the launderette next door at 3:20 in the morning. I got out with Biscuit, the ledger and one clock, and it wasn't even a good clock.",
    occurred_at: "2019-11-04T03:20:00Z",
    importance: 10,
  },
  {
    text: "Forty-one clocks are gone, and Grandad's lathe is black to the bed. I sat on the kerb and Priya brought me tea and didn't say that things happen for a reason.",
    occurred_at: "2019-11-05T12:00:00Z",
    importance: 9,
  },
];
