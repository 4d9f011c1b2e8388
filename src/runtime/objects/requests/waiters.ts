/** Calls that wait for the end of a task: woken, never polling. Held in memory; a caller whose object dies asks D1. */
export class Waiters {
  readonly #waiting = new Map<string, Set<() => void>>();

  /** Resolves when the task is woken for, or after the time. */
  async wait(taskId: string, timeoutMs: number): Promise<void> {
    const waiting = this.#waiting.get(taskId) ?? new Set();
    this.#waiting.set(taskId, waiting);
    await new Promise<void>((resolve) => {
      const done = () => {
        clearTimeout(timer);
        waiting.delete(done);
        if (waiting.size === 0) this.#waiting.delete(taskId);
        resolve();
      };
      const timer = setTimeout(done, timeoutMs);
      waiting.add(done);
    });
  }

  wake(taskId: string): void {
    // Each takes itself out of the set; a Set may be changed while it is walked.
    this.#waiting.get(taskId)?.forEach((done) => done());
  }
}
