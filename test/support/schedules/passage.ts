import { through as throughFaults } from "../faults";
import { controlled } from "./bindings-control";

/** Sends one call of a binding through the faults of a test, and then through those of a schedule. */
export function through<T>(label: string, work: () => Promise<T>): Promise<T> {
  return throughFaults(label, () => controlled(label, work));
}
