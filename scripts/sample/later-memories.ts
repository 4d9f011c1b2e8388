import type { SampleMemory } from "./memories.ts";

/** The later years of Ruth Tallis, after the fire. */
export const laterMemories: readonly SampleMemory[] = [
  {
    text: "The insurer offered me £9,000 and I had hoped for twice that. I read the letter four times to be sure, then I made a paper boat of it.",
    occurred_at: "2019-11-20T10:00:00Z",
    importance: 8,
  },
  {
    text: "Idris went from door to door and came back with £2,316.50 in a biscuit tin. I don't cry easily, but I had to count it three times.",
    occurred_at: "2019-12-08T15:15:00Z",
    importance: 9,
  },
  {
    text: "The old lathe turned again today. Owen and I spent nine weekends on it, and the first thing I cut was a new head for Mrs. Abernathy's cuckoo.",
    occurred_at: "2020-01-18T11:30:00Z",
    importance: 7,
  },
  {
    text: "We heard the announcement on the radio and I turned the sign to Closed. All the clocks went on as if nothing had been said.",
    occurred_at: "2020-03-23T20:30:00Z",
    importance: 8,
  },
  {
    text: "I mend clocks by post now. A woman in Cardiff sent me a kitchen timer, a love letter to her late husband, and no return address.",
    occurred_at: "2020-04-11T09:10:00Z",
    importance: 5,
  },
  {
    text: "Callum plays Bach out of the window at six every evening. The man at number 14 asked if he knew any Abba, and now he does.",
    occurred_at: "2020-05-02T18:20:00Z",
    importance: 4,
  },
  {
    text: "Biscuit died in her sleep on the good chair. She was twelve, and I had told her the night before that she was the best of us.",
    occurred_at: "2020-06-27T13:00:00Z",
    importance: 9,
  },
  {
    text: "I tried sourdough like everybody else. My loaf was so hard that I used it as a doorstop for two days, and I'm a little proud of that.",
    occurred_at: "2020-08-09T16:50:00Z",
    importance: 6,
  },
  {
    text: "I reopened at 22 Shore Place with a bench, two lamps and no shelves. My first customer was Mrs. Abernathy, who had broken the cuckoo on purpose.",
    occurred_at: "2020-10-14T10:45:00Z",
    importance: 8,
  },
  {
    text: "At five to midnight I set every clock in the shop to a different time, just this once. Callum said it sounded like rain.",
    occurred_at: "2020-12-31T23:55:00Z",
    importance: 6,
  },
  {
    text: "I learned that you can't hurry lacquer. I tried it with a hairdryer and now there is a very small fly in Mr. Okafor's dial for good.",
    occurred_at: "2021-02-13T14:30:00Z",
    importance: 5,
  },
  {
    text: "Idris told me that the tower clock had been stolen and I ran halfway up Leith Walk before I remembered the date.",
    occurred_at: "2021-04-01T08:30:00Z",
    importance: 3,
  },
  {
    text: "I flew to Geneva for a fair and saw a movement by Breguet from 1810. I stood before it for an hour and a guard asked me in three languages whether I was well.",
    occurred_at: "2021-05-22T11:15:00Z",
    importance: 7,
  },
  {
    text: "My sister-in-law Hanna had twins, Elsie and Finn. I held Finn for ten minutes and he was sick on my only good waistcoat.",
    occurred_at: "2021-07-30T19:00:00Z",
    importance: 6,
  },
  {
    text: 'I quit smoking after nineteen years. I keep the last cigarette in a watch box marked "Do not wind".',
    occurred_at: "2021-09-17T12:40:00Z",
    importance: 7,
  },
  {
    text: "Two years to the day after the fire I walked down Constitution Street on purpose. It's a noodle bar now, and the noodles are good, which annoyed me.",
    occurred_at: "2021-11-04T09:00:00Z",
    importance: 6,
  },
  {
    text: "I recited Burns at the community centre and forgot the third verse. I made one up about a mainspring and nobody noticed but Morag.",
    occurred_at: "2022-01-25T21:10:00Z",
    importance: 4,
  },
  {
    text: "Idris got his place at the horology school in Birmingham. He pretended to be calm, then he hugged the lathe.",
    occurred_at: "2022-03-12T10:00:00Z",
    importance: 8,
  },
  {
    text: "I bought a 1968 Morris Minor for £3,750 against the advice of everybody I know. It broke down at Dunbar before I had found the second gear.",
    occurred_at: "2022-04-23T15:45:00Z",
    importance: 5,
  },
  {
    text: "I counted 400 gannets off the Bass Rock before I lost my place. Priya says that there are 150,000, so I wasn't far off.",
    occurred_at: "2022-06-18T07:20:00Z",
    importance: 6,
  },
  {
    text: "Callum had his solo at the Usher Hall. I wound my watch eleven times during the slow movement, and I broke it.",
    occurred_at: "2022-08-03T17:25:00Z",
    importance: 7,
  },
  {
    text: "Mum moved into our spare room with two suitcases and a parrot called Gladstone. The parrot does the sound of my alarm clock at half past four.",
    occurred_at: "2022-09-10T13:10:00Z",
    importance: 8,
  },
  {
    text: "I failed my driving theory renewal by one point. The question was about trams, and I live next to the tram.",
    occurred_at: "2022-11-19T18:30:00Z",
    importance: 5,
  },
  {
    text: 'Mrs. Abernathy died on Epiphany at the age of ninety-three. She left me the cuckoo clock and a note: "It was never broken, dear. I liked the company."',
    occurred_at: "2023-01-07T09:35:00Z",
    importance: 9,
  },
  {
    text: "I hung the cuckoo above my bench and let it be four minutes fast, as hers was. I am usually strict about such things.",
    occurred_at: "2023-02-20T11:00:00Z",
    importance: 6,
  },
  {
    text: "Elsie took apart my travel alarm at the kitchen table and put it together again with only one screw left over. She isn't two yet.",
    occurred_at: "2023-04-15T14:20:00Z",
    importance: 7,
  },
  {
    text: "The council asked me to restore the clock on the old Custom House by 30 September. The dial is three metres wide, and a seagull lives behind the six.",
    occurred_at: "2023-06-02T10:50:00Z",
    importance: 8,
  },
  {
    text: "I hired Agnieszka, who was an engineer on trawlers and is afraid of nothing but cuckoos. I have moved hers away from the bird.",
    occurred_at: "2023-08-11T16:00:00Z",
    importance: 5,
  },
  {
    text: "At one minute to six we let the Custom House clock go, a day early. It struck for the first time since 1974, and Mum clapped from her wheelchair.",
    occurred_at: "2023-09-29T17:59:00Z",
    importance: 9,
  },
  {
    text: "I slipped on the ice outside the bakery and landed on a box of mince pies. Priya charged me for seven of them.",
    occurred_at: "2023-12-13T08:15:00Z",
    importance: 4,
  },
  {
    text: "I always give a free cleaning on Leap Day. Only one customer has ever remembered: the clown from Marseille, who is a bank manager now.",
    occurred_at: "2024-02-29T12:00:00Z",
    importance: 5,
  },
  {
    text: "Idris came home with his diploma and a job offer from Zurich. I told him to take it, and then I went down to the cellar to sort springs that were sorted.",
    occurred_at: "2024-05-04T19:30:00Z",
    importance: 8,
  },
  {
    text: "For our sixth anniversary Callum gave me the last box of brass pins from the ironmonger's, which is closing down. He had kept the receipt from 2016.",
    occurred_at: "2024-07-14T20:00:00Z",
    importance: 7,
  },
  {
    text: "Looking back, I've learned most from the things I dropped. I still hold my breath whenever I pass a carriage clock.",
    occurred_at: "2024-09-01T10:05:00Z",
    importance: 6,
    type: "integration",
  },
];
