/** Calls that wait for something of a task to change: woken, never polling. Held in memory. */
export class Waiters {
  readonly #waiting = new Map<string, Set<() => void>>();

  /** Waits from now on. Each `next` resolves at the next wake, also at one that came before it, or after its time. */
  register(taskId: string): { readonly next: (timeoutMs: number) => Promise<void>; readonly leave: () => void } {
    const waiting = this.#waiting.get(taskId) ?? new Set();
    this.#waiting.set(taskId, waiting);
    let [isWoken, resolve] = [false, (): void => undefined];
    const wake = () => {
      isWoken = true;
      resolve();
    };
    waiting.add(wake);
    const next = async (timeoutMs: number): Promise<void> => {
      const timer = setTimeout(() => resolve(), timeoutMs);
      await new Promise<void>((woken) => {
        resolve = woken;
        if (isWoken) woken();
      });
      clearTimeout(timer);
      isWoken = false;
    };
    const leave = () => {
      waiting.delete(wake);
      if (waiting.size === 0) this.#waiting.delete(taskId);
    };
    return { next, leave };
  }

  wake(taskId: string): void {
    this.#waiting.get(taskId)?.forEach((wake) => wake());
  }
}
