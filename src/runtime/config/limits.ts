/** Creations that wait in one requests object: more than are served before their callers give up. */
export const CREATIONS_WAITING_MAX = 5_000;
