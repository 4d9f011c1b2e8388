/** Whose a thing that waits is. */
export interface TurnPlace {
  readonly namespaceId: string;
  readonly taskId: string;
}

/**
 * What waits, taken in turns: namespace after namespace, in a namespace task after task, in a task the oldest first. While
 * n namespaces wait, each of them is served once in n takings, however much the others have; and whatever waits is taken,
 * if it may be.
 */
export class FairTurns<T> {
  /** In the order of their turns: who was served goes to the end. */
  readonly #namespaces = new Map<string, Map<string, T[]>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add({ namespaceId, taskId }: TurnPlace, item: T): void {
    const tasks = this.#namespaces.get(namespaceId) ?? new Map<string, T[]>();
    const items = tasks.get(taskId) ?? [];
    items.push(item);
    tasks.set(taskId, items);
    this.#namespaces.set(namespaceId, tasks);
    this.#size += 1;
  }

  /** @param admits whether a namespace may have its turn now; one that may not keeps its place. */
  take(admits: (namespaceId: string) => boolean = () => true): T | undefined {
    for (const [namespaceId, tasks] of this.#namespaces) {
      const [first] = tasks;
      if (first === undefined || !admits(namespaceId)) continue;
      const [taskId, items] = first;
      const item = items.shift();
      tasks.delete(taskId);
      this.#namespaces.delete(namespaceId);
      if (items.length > 0) tasks.set(taskId, items);
      if (tasks.size > 0) this.#namespaces.set(namespaceId, tasks);
      this.#size -= 1;
      return item;
    }
    return undefined;
  }

  /** Takes out what no longer has to wait, in no order of turns. */
  removeIf(isOver: (item: T) => boolean): readonly T[] {
    const removed: T[] = [];
    for (const [namespaceId, tasks] of this.#namespaces) {
      for (const [taskId, items] of tasks) {
        const { over = [], left = [] } = Object.groupBy(items, (item) => (isOver(item) ? "over" : "left"));
        removed.push(...over);
        if (left.length > 0) tasks.set(taskId, left);
        else tasks.delete(taskId);
      }
      if (tasks.size === 0) this.#namespaces.delete(namespaceId);
    }
    this.#size -= removed.length;
    return removed;
  }

  /** How many wait, by namespace. */
  sizes(): ReadonlyMap<string, number> {
    return new Map([...this.#namespaces].map(([namespaceId, tasks]) => [namespaceId, sizeOf(tasks)]));
  }
}

function sizeOf(tasks: ReadonlyMap<string, readonly unknown[]>): number {
  return [...tasks.values()].reduce((sum, { length }) => sum + length, 0);
}
