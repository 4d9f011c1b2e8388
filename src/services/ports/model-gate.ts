import type { GateAnswer, GateReport } from "../../domain/model/model-gate";

/** The gate of a model, which spans invocations. */
export interface ModelGatePort {
  /** @throws when the gate does not answer in time; whether it has heard the report is then not known. */
  report(report: GateReport): Promise<GateAnswer>;
}
