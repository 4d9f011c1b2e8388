/**
 * The stream of what `map` makes of each piece, read only when it is asked for. Pieces of which nothing comes are skipped,
 * and a source that breaks is one that ends. A reader that leaves is passed on at once, also while a read is under way: a
 * generator, or a pipe, would keep that to itself until the next piece.
 */
export function mapStream<T, U>(source: ReadableStream<T>, map: (piece: T) => U | undefined): ReadableStream<U> {
  const reader = source.getReader();
  const read = () => reader.read().catch(() => undefined);
  return new ReadableStream<U>(
    {
      pull: async (controller) => {
        for (let piece = await read(); piece?.done === false; piece = await read()) {
          const mapped = map(piece.value);
          if (mapped !== undefined) return controller.enqueue(mapped);
        }
        return controller.close();
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}
