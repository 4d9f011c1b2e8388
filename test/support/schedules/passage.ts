import { type BindingCall, through as throughFaults } from "../faults";
import { controlled } from "./bindings-control";

/** Sends one call of a binding through the faults of a test, and then through those of a schedule. */
export function through<T>(call: BindingCall, work: () => Promise<T>): Promise<T> {
  return throughFaults(call, () => controlled(call.label, work));
}
