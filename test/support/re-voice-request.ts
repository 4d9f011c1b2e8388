import { DEFAULT_VOICE } from "../../src/domain/agents/voice";
import type { ReVoiceRequest } from "../../src/services/ports/ports";

/** What a text generator is asked at the least. */
export const RE_VOICE_REQUEST: ReVoiceRequest = {
  idempotencyKey: "task_1:memory_1",
  agent: { name: "Mara", description: null, persona: null, voice: DEFAULT_VOICE },
  position: 0,
  memory: { memoryId: "memory_1", text: "I saw the sea.", occurredAt: null },
  sourceContext: [],
  agentContext: [],
  instructions: null,
  repair: null,
};
