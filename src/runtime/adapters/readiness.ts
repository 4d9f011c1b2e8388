/** One part that the service needs, and whether it answers. */
export interface Readiness {
  readonly part: "database" | "requests" | "queue";
  readonly ready: boolean;
}

const READY_WITHIN_MS = 3_000;

/** Asks each part something that changes nothing. */
export function readiness(env: Env): Promise<readonly Readiness[]> {
  return Promise.all([
    check("database", env.DB.prepare("SELECT 1").first()),
    check("requests", env.TASK_REQUESTS.getByName("readiness").ping()),
    check("queue", env.TASK_BELLS.metrics()),
  ]);
}

async function check(part: Readiness["part"], answer: Promise<unknown>): Promise<Readiness> {
  const late = new Promise<boolean>((resolve) => setTimeout(() => resolve(false), READY_WITHIN_MS));
  const came = answer.then(
    () => true,
    () => false,
  );
  return { part, ready: await Promise.race([came, late]) };
}
