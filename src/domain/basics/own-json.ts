/**
 * Parses JSON that this program wrote itself, under a version or a statement that fixes its shape; never anything that
 * came from outside. The caller says of what shape.
 */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the type is the caller's word for the shape
export function parseOwnJson<T>(json: string): T {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the writer of the text is this program
  return JSON.parse(json) as T;
}
