import { z } from "zod";

/** What the demo reads of the service's answers, in the shapes of the contract; all else is left out. */
export const AgentAnswer = z.object({ agent_id: z.string(), name: z.string() });

export const CollectionAnswer = z.object({ collection_id: z.string() });

export const MemoriesStoredAnswer = z.object({
  results: z.array(
    z.object({
      index: z.int(),
      verdict: z.enum(["created", "updated", "skipped", "refused"]),
      memory_id: z.string().nullish(),
      problem: z.object({ detail: z.string().default("") }).nullish(),
    }),
  ),
});

export const MemoriesAnswer = z.object({ items: z.array(z.object({ memory_id: z.string(), text: z.string() })) });

export const RequestAnswer = z.object({ task_id: z.string() });

export const TaskAnswer = z.object({
  task_id: z.string(),
  status: z.string(),
  progress: z.object({ done: z.number(), failed: z.number() }).nullish(),
  result: z
    .object({
      collection_id: z.string(),
      re_voiced: z.number(),
      flagged: z.number(),
      skipped: z.number(),
      failed: z.number(),
    })
    .nullish(),
  error: z.unknown(),
});
export type TaskAnswer = z.infer<typeof TaskAnswer>;

export const TasksAnswer = z.object({ items: z.array(z.object({ task_id: z.string() })) });
