/**
 * What a log may say of an error: its root cause. A driver's wrapper repeats the statement with its values, and those
 * are texts of users.
 */
export function errorText(error: unknown): string {
  const root = rootOf(error);
  return root instanceof Error ? `${root.name}: ${root.message}` : String(root);
}

/** The same, with where it was thrown. */
export function errorStack(error: unknown): string {
  const root = rootOf(error);
  return root instanceof Error ? (root.stack ?? errorText(root)) : String(root);
}

const CAUSES_MAX = 10;

function rootOf(error: unknown): unknown {
  let root = error;
  for (let depth = 0; depth < CAUSES_MAX && root instanceof Error && root.cause !== undefined; depth++) {
    root = root.cause;
  }
  return root;
}
