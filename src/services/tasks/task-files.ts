/** All files of a task begin so: they go with it. The id of a task is not to be guessed, and neither are they. */
export function filesOfTask(taskId: string): string {
  return `tasks/${taskId}/`;
}

/** Each call stores what it sends for itself: which of them made the task is known only afterwards. */
export function newImportName(taskId: string): string {
  return `${filesOfTask(taskId)}import-${crypto.randomUUID()}`;
}

/** With the token of its lease: what a worker writes that has lost its part is no piece of the file. */
export function exportPieceName(taskId: string, index: number, token: string): string {
  return `${filesOfTask(taskId)}export-${index}-${token}`;
}
