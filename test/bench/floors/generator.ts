import { embeddedRulesGenerator } from "../../../src/providers/embedded/rules-generator";
import type { AgentProfile } from "../../../src/services/ports/ports";

interface Asked {
  readonly agent: AgentProfile;
  readonly texts: readonly string[];
}

const generator = embeddedRulesGenerator();

/** The embedded generator in a loop: the least that the re-voicing of so many memories costs. Nothing is kept. */
export default {
  async fetch(request) {
    const { agent, texts } = await request.json<Asked>();
    const { signal } = new AbortController();
    let told = 0;
    for (const [position, text] of texts.entries()) {
      const memory = { memoryId: `memory_${position}`, text, occurredAt: null };
      const context = { sourceContext: [], agentContext: [], instructions: null, repair: null };
      const asked = { idempotencyKey: memory.memoryId, agent, memory, position, ...context };
      const result = await generator.reVoice(asked, { signal });
      if (result.text !== null) told += 1;
    }
    return Response.json({ told });
  },
} satisfies ExportedHandler;
