import type { DemoEvent, Emit, Summary } from "./events.ts";
import { formatCount, formatShare, shorten, sideBySide, table, toPlainLine, WIDTH, wrap } from "./layout.ts";
import { createPassingProgress, createProgress } from "./progress.ts";

type EventOf<Name extends DemoEvent["event"]> = Extract<DemoEvent, { event: Name }>;

const LABEL_WIDTH = 12;
const INDENT = "  ";
const COMPARED_LINES_MAX = 8;
const NAME_LENGTH_MAX = 14;

/** Tells the demo's steps to a person, in lines of at most 80 columns. */
export function createTerminalOutput(stream: NodeJS.WriteStream): Emit {
  const progress = createProgress(stream);
  const storing = createPassingProgress(stream);
  const endedTasks: EventOf<"task-ended">[] = [];
  const collections: string[] = [];
  let comparisons = 0;
  const print = (...lines: readonly string[]): void => {
    progress.end();
    storing.end();
    for (const line of lines) stream.write(`${line}\n`);
  };
  return (event) => {
    switch (event.event) {
      case "service-starting":
        return print(...labeled("Service", "starting ..."));
      case "service-ready":
        return print(...labeled("", `ready after ${event.seconds.toFixed(1)} s, with a state folder of its own`));
      case "input":
        return print(...inputLines(event));
      case "agent-created":
        return print(...labeled("Agent", `${event.name}. ${event.description}`));
      case "storing":
        return storing.update(event.done, event.total, event.memories_per_second);
      case "collection-stored":
        collections.push(event.name);
        return print(...labeled("Collection", storedSentence(event)));
      case "request-cut":
        return print("", "The lost answer", ...cutLines(event));
      case "request-looked-up":
        return print(...lookUpLines(event));
      case "request-repeated":
        return print(...repeatLines(event));
      case "submitted":
        return print("", `Re-voicing ${formatCount(event.memories)} memories in ${plural(event.tasks, "task")}`);
      case "progress":
        return progress.update(event.done, event.total, event.memories_per_second);
      case "task-ended":
        endedTasks.push(event);
        return;
      case "comparison":
        comparisons += 1;
        return print(...(comparisons === 1 ? ["", "Before and after"] : []), ...comparisonLines(event));
      case "summary":
        return print("", "Result", ...resultLines(inOrder(endedTasks, collections), event), "", ...summaryLines(event));
      case "error":
        // The sentence itself goes to stderr.
        return print();
    }
  };
}

function labeled(label: string, text: string): readonly string[] {
  return wrap(text, WIDTH - LABEL_WIDTH, 3).map((line, index) => (index === 0 ? label : "").padEnd(LABEL_WIDTH) + line);
}

function inputLines({ blank_lines: blank, unused_fields: unused }: EventOf<"input">): readonly string[] {
  return [
    ...(blank > 0 ? labeled("Note", `${plural(blank, "blank line")} left out`) : []),
    ...(unused.length > 0 ? labeled("Note", `fields that no memory has are left out: ${unused.join(", ")}`) : []),
  ];
}

function storedSentence({ name, memories, seconds }: EventOf<"collection-stored">): string {
  return `${shorten(name, 40)}: ${plural(memories, "memory", "memories")} stored in ${seconds.toFixed(1)} s`;
}

function cutLines(event: EventOf<"request-cut">): readonly string[] {
  return [
    `${INDENT}PUT /v1/batches, requestId ${event.request_id}`,
    `${INDENT}${INDENT}${event.bytes_sent} bytes sent, then the connection is cut: ${event.bytes_read} bytes of the answer read`,
  ];
}

function lookUpLines({ request_id, task_id }: EventOf<"request-looked-up">): readonly string[] {
  return [
    `${INDENT}GET /v1/requests/${request_id}`,
    `${INDENT}${INDENT}${task_id === null ? "the service has not seen it: it never arrived" : `it had arrived: ${task_id}`}`,
  ];
}

function repeatLines(event: EventOf<"request-repeated">): readonly string[] {
  const { http_status, replayed, task_id, tasks_of_request } = event;
  return [
    `${INDENT}PUT /v1/batches, the same requestId and body again`,
    `${INDENT}${INDENT}${http_status}, Idempotent-Replayed: ${replayed}, ${task_id}`,
    `${INDENT}GET /v1/batches?request_id=...`,
    `${INDENT}${INDENT}${plural(tasks_of_request, "task")}: ${
      replayed ? "the second request got the first one's" : "only the second request arrived, so it made it"
    }`,
  ];
}

function comparisonLines({ occurred_at, before, after }: EventOf<"comparison">): readonly string[] {
  const width = WIDTH - INDENT.length;
  const date = occurred_at === null ? [] : [`${INDENT}${occurred_at.slice(0, 10)}`];
  const columns = after.map(({ agent, text }) => ({ title: agent, text: text ?? "(not re-voiced)" }));
  return [
    "",
    ...date,
    ...wrap(before, width, COMPARED_LINES_MAX).map((line) => INDENT + line),
    "",
    ...sideBySide(columns, width, COMPARED_LINES_MAX).map((line) => INDENT + line),
  ];
}

/** Tasks end in any order; a reader looks for them by collection and agent. */
function inOrder(tasks: readonly EventOf<"task-ended">[], collections: readonly string[]): typeof tasks {
  const rank = (task: EventOf<"task-ended">): number => collections.indexOf(task.collection);
  return tasks.toSorted((a, b) => rank(a) - rank(b) || a.agent.localeCompare(b.agent, "en"));
}

function resultLines(tasks: readonly EventOf<"task-ended">[], summary: Summary): readonly string[] {
  const rows = [
    ["collection, agent", "re-voiced", "flagged", "skipped", "failed", "status"],
    ...tasks.map(({ collection, agent, counts, status }) => [
      `${shorten(collection, NAME_LENGTH_MAX)}, ${shorten(agent, NAME_LENGTH_MAX)}`,
      ...countCells(counts),
      status,
    ]),
    ["all", ...countCells(summary), ""],
  ];
  const errors = tasks.flatMap(({ task_id, error }) => (error === null ? [] : [`${task_id}: ${toPlainLine(error)}`]));
  return [...table(rows), ...errors].map((line) => INDENT + line);
}

function countCells(counts: EventOf<"task-ended">["counts"]): readonly string[] {
  if (counts === null) return ["-", "-", "-", "-"];
  return [counts.re_voiced, counts.flagged, counts.skipped, counts.failed].map(formatCount);
}

function summaryLines(summary: Summary): readonly string[] {
  const share = summary.fact_guard_share;
  return [
    ...(share === null
      ? []
      : labeled("Fact guard", `${formatShare(share)} of the re-voiced memories kept every name, number and date`)),
    ...labeled(
      "Speed",
      `${formatCount(summary.memories_per_second)} memories/s (${formatCount(summary.memories)} in ${summary.seconds.toFixed(1)} s)`,
    ),
    ...labeled("Docs", "`npm run dev`, then http://127.0.0.1:8787/docs"),
  ];
}

function plural(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}
