/**
 * The stream of what `map` makes of each piece, read only when it is asked for. Pieces of which nothing comes are skipped.
 * A reader that leaves is passed on at once, also while a read is under way: a generator, or a pipe, would keep that to
 * itself until the next piece.
 */
export function mapStream<T, U>(source: ReadableStream<T>, map: (piece: T) => U | undefined): ReadableStream<U> {
  const reader = source.getReader();
  return new ReadableStream<U>(
    {
      pull: async (controller) => {
        for (;;) {
          const { done, value } = await reader.read();
          if (done) return controller.close();
          const mapped = map(value);
          if (mapped !== undefined) return controller.enqueue(mapped);
        }
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}
