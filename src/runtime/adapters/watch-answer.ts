import type { WatchRefusal } from "../../services/ports/task-watchers";

/** What the object of those who watch answers in place of a stream. */
export type NoStream = WatchRefusal | { readonly kind: "unavailable" };

/** The type of an answer that is a stream; any other is a {@link NoStream}. */
export const STREAM_TYPE = "application/x-ndjson";
