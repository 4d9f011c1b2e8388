import type { Log } from "../services/context";

/** One line of JSON an event, to the Worker's log. */
export const log: Log = (level, event, fields = {}) => {
  console[level](JSON.stringify({ level, event, ...fields }));
};
