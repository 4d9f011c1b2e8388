import { z } from "@hono/zod-openapi";
import type { TaskProgress } from "../../domain/tasks/task";
import type { TaskPace, TaskStage } from "../../domain/tasks/task-pace";

const STAGES = {
  waiting: "waiting",
  "re-voicing": "re-voicing",
  exporting: "exporting",
  importing: "importing",
  analyzing: "analyzing",
  rebuilding: "rebuilding",
  retrying: "retrying",
  ended: "ended",
} as const satisfies Record<TaskStage, TaskStage>;

const count = (description: string, example: number) => z.number().int().openapi({ description, example });

export const ProgressV1 = z.object({
  done: count("Memories that ended well, or lines of a file that were taken.", 419),
  failed: count("Memories that failed, or lines that were refused.", 0),
  total: z.number().int().nullable().openapi({ description: "Null until it is known.", example: 419 }),
  stage: z.enum(STAGES).openapi({
    description:
      "What it does now. `waiting`: to be begun. `retrying`: for its next try after a failure, or an invoke. `ended`: see the status.",
    example: "ended",
  }),
  rate: z.number().nullable().openapi({
    description: "Memories, or lines, that ended in a second of this run. Null until one has.",
    example: 40.5,
  }),
  eta_seconds: z.number().int().nullable().openapi({
    description: "Whole seconds until the end, at this rate. Null while it is unknown, and once the task has ended.",
    example: null,
  }),
});

export function toProgressV1(
  progress: TaskProgress,
  { stage, rate, etaSeconds }: TaskPace,
): z.infer<typeof ProgressV1> {
  const { done, failed, total } = progress;
  return { done, failed, total, stage: STAGES[stage], rate, eta_seconds: etaSeconds };
}
