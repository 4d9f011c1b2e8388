import { DurableObject } from "cloudflare:workers";
import { type GateAnswer, type GateRecord, type GateReport, ModelGate } from "../../../domain/model/model-gate";
import { gateLimitsOf } from "../../config/cached-config";

const RECORD = "gate-v1";

/**
 * The gate of one model, for all invocations. Who holds what is in memory alone: after a restart its holders tell it again,
 * within seconds. What a model that was throttled may bear, and its rest, are written down when they change.
 */
export class ModelGateObject extends DurableObject<Env> {
  readonly #gate: ModelGate;
  #written: string;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const known = ctx.storage.kv.get<GateRecord>(RECORD);
    this.#gate = new ModelGate(gateLimitsOf(env), known, Date.now());
    this.#written = JSON.stringify(known);
  }

  report(report: GateReport): GateAnswer {
    const answer = this.#gate.answer(report, Date.now());
    const { record } = this.#gate;
    const written = JSON.stringify(record);
    if (written !== this.#written) this.ctx.storage.kv.put(RECORD, record);
    this.#written = written;
    return answer;
  }
}
