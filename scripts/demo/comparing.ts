import { MemoriesAnswer } from "./answers.ts";
import type { Client } from "./client.ts";
import type { Emit } from "./events.ts";
import type { EndedJob } from "./watching.ts";

const COMPARISONS_MAX = 4;

/** Shows memories of the first collection, evenly spread over it, beside what each agent made of them. */
export async function compare(client: Client, jobs: readonly EndedJob[], emit: Emit): Promise<void> {
  const source = jobs[0]?.source;
  if (source === undefined) return;
  const sameSource = jobs.filter((job) => job.source.collectionId === source.collectionId);
  const count = Math.min(COMPARISONS_MAX, source.memories.length);
  for (let pick = 0; pick < count; pick += 1) {
    const memory = source.memories[Math.floor(((pick + 0.5) * source.memories.length) / count)];
    if (memory === undefined) continue;
    const after = [];
    for (const job of sameSource) {
      after.push({ agent: job.agent.name, text: await findReVoiced(client, job, memory.memoryId) });
    }
    emit({
      event: "comparison",
      memory_id: memory.memoryId,
      occurred_at: memory.occurredAt,
      before: memory.text,
      after,
    });
  }
}

async function findReVoiced(client: Client, job: EndedJob, sourceMemoryId: string): Promise<string | null> {
  if (job.targetCollectionId === null) return null;
  const path = `/v1/collections/${job.targetCollectionId}/memories?source_memory_id=${sourceMemoryId}`;
  const { body } = await client.call("GET", path, { schema: MemoriesAnswer });
  return body.items[0]?.text ?? null;
}
