/**
 * Lets the event loop look at what else has come. A database in the same process answers without a wait, and where nothing
 * waits nobody else is served.
 */
export function othersTurn(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, 0);
  });
}
