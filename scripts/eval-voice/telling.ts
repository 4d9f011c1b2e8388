import "./worker-sources.ts";
import type { InputMemory } from "../demo/input.ts";
import type { SampleAgent } from "../sample/agents.ts";
import type { Repair } from "../../src/services/ports/ports.ts";

/** One memory as an agent tells it. */
export interface Told {
  readonly source: string;
  readonly text: string;
  /** The fact guard found something lost or added, after its repair too. */
  readonly isFlagged: boolean;
  readonly ms: number;
}

export interface Teller {
  /** @param position the memory's place in its conversation. */
  tell(agent: SampleAgent, memory: InputMemory, position: number): Promise<Told>;
}

/** Tells as the service does: a generation, the fact guard, and one repair where it is due. No database, no recall. */
export async function createTeller(signal: AbortSignal): Promise<Teller> {
  // Loaded when they can be: a plain import would be resolved before the hook is there.
  const { embeddedRulesGenerator } = await import("../../src/providers/embedded/rules-generator.ts");
  const { allowedByVoice, checkFacts } = await import("../../src/domain/facts/fact-guard.ts");
  const generator = embeddedRulesGenerator();
  return {
    tell: async (agent, { body }, position) => {
      const request = {
        idempotencyKey: `eval:${body.external_id}`,
        agent,
        memory: { memoryId: body.external_id, text: body.text, occurredAt: body.occurred_at ?? null },
        position,
        sourceContext: [],
        agentContext: [],
        instructions: null,
      };
      const allowed = allowedByVoice(agent.name, agent.voice);
      const startMs = performance.now();
      // The rules always have a text; without one the service would keep none, and neither does this.
      const ask = async (repair: Repair | null) => (await generator.reVoice({ ...request, repair }, { signal })).text;
      let text = (await ask(null)) ?? "";
      let verdict = checkFacts(body.text, text, allowed);
      if (hasFault(verdict)) {
        text = (await ask({ text, ...verdict })) ?? "";
        verdict = checkFacts(body.text, text, allowed);
      }
      return { source: body.text, text, isFlagged: hasFault(verdict), ms: performance.now() - startMs };
    },
  };
}

function hasFault({ missing, added }: { readonly missing: readonly string[]; readonly added: readonly string[] }) {
  return missing.length > 0 || added.length > 0;
}
