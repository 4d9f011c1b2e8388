import { within } from "../../domain/basics/time-limit";
import type { ModelGatePort } from "../../services/ports/model-gate";

/** Calls of the model wait for it: one that hangs must not be waited for. */
const GATE_WITHIN_MS = 2_000;

/** The gate of a model behind its port. @param model its generator's id: one gate for each. */
export function objectGate(gates: Env["MODEL_GATE"], model: string): ModelGatePort {
  return { report: (report) => within(GATE_WITHIN_MS, Promise.resolve(gates.getByName(model).report(report))) };
}
