import { laterMemories } from "./later-memories.ts";
import { earlyMemories, type SampleMemory } from "./memories.ts";

/** One life in order of time: what a fresh installation can be filled and tried with. Written for this project. */
export const sampleMemories: readonly SampleMemory[] = [...earlyMemories, ...laterMemories];
