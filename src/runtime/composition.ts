import { openDatabase } from "../data/database/database";
import type { GateLimits } from "../domain/model/model-gate";
import { embeddedWordVectors, WORD_VECTORS_PATH } from "../providers/embedded/word-vectors";
import { ndjsonFormat } from "../providers/memory-file/ndjson-format";
import { dnsOverHttps } from "../providers/webhooks/dns-over-https";
import { httpsSender } from "../providers/webhooks/https-sender";
import type { Services, WebhookPorts } from "../services/context";
import type { ClaimRate, Embedder, TextGenerator, WordVectors } from "../services/ports/ports";
import { bucketFiles } from "./adapters/bucket-files";
import { serviceClock } from "./clock";
import { configOf } from "./config/cached-config";
import type { Config } from "./config/config";
import { CREATIONS_WAITING_MAX } from "./config/limits";
import { denseEmbeddingOf, embedderOf } from "./adapters/embedders";
import { log } from "./log";
import type { ModelConfig } from "./config/model-config";
import { objectGate } from "./adapters/model-gate-client";
import type { Placement } from "./config/placement";
import { putKeysOf } from "./adapters/put-keys";
import { type Readiness, readiness } from "./adapters/readiness";
import { afterAnswer, queueBells, type WaitUntil } from "./adapters/task-bells";
import { objectRequests } from "./adapters/request-client";
import { objectWatchers } from "./adapters/watch-client";
import { platformFetch, textGeneratorOf } from "./adapters/text-generators";
import { deliveriesAfterAnswer, queueDeliveryBells } from "./adapters/webhook-bells";
import { webhookSecretsOf } from "./adapters/webhook-secrets";

/** What the HTTP side needs besides the services. */
export interface ApiRuntime {
  readonly services: Services;
  readonly adminKey: string;
  /** Null when the rate limit is off. */
  readonly rateLimiter: RateLimit | null;
  readonly requestObjects: Placement;
  readonly creationsWaitingMax: number;
  readonly model: Pick<ModelConfig, "provider" | "name">;
  readonly gate: GateLimits;
  readonly readiness: () => Promise<readonly Readiness[]>;
}

const opened = new WeakMap<Env, Services>();

/**
 * The composition root: which provider stands behind which port. Composed once for each environment.
 * @param waitUntil of a call that a client waits for: its answer then waits for no bell. Without it each ring is awaited.
 * @throws Error when the configuration is wrong.
 */
export function openServices(env: Env, waitUntil?: WaitUntil): Services {
  const services = opened.get(env) ?? compose(env);
  opened.set(env, services);
  return waitUntil === undefined ? services : courteous(services, waitUntil);
}

function compose(env: Env): Services {
  const config = configOf(env);
  const db = openDatabase(env.DB, serviceClock);
  const generator = generatorOf(config, env);
  return {
    db,
    clock: serviceClock,
    requests: objectRequests(env.TASK_REQUESTS, config.placement),
    claimRate: config.rateLimited ? rateOf(env.RATE_LIMITER) : null,
    wrongKeyRate: rateOf(env.WRONG_KEY_LIMITER),
    putKeys: putKeysOf(config.serverKeys),
    bells: queueBells(env.TASK_BELLS),
    watchers: objectWatchers(env.TASK_WATCHES),
    generator,
    modelGate: config.model.provider === "embedded" ? null : objectGate(env.MODEL_GATE, generator.id),
    embedder: config.embedder.provider === "none" ? null : wordVectorsOf(env.ASSETS),
    dense: denseEmbeddingOf(config.embedder, textEmbedderOf(config, env), { db, env }),
    files: bucketFiles(env.FILES),
    memoryFormat: ndjsonFormat,
    webhooks: webhookPortsOf(config, env),
    limits: config.limits,
    log,
  };
}

/**
 * The services of a call that a client waits for: no bell is on the way to its answer.
 *
 * That is right because the truth is in D1 before anything rings, and somebody looks there again. A lost bell costs the
 * time until the sweeper comes: the row of a task, as that of a delivery, says when it must look.
 *
 * It is wrong where the outcome decides something. So these keep bells that are awaited:
 * - consumers: a message is acknowledged only when the bell for what is left has been rung; else the queue brings it again.
 * - the sweeper: what it could not ring for stays due.
 */
export function courteous(services: Services, waitUntil: WaitUntil): Services {
  const { bells, webhooks, log } = services;
  return {
    ...services,
    bells: afterAnswer(bells, waitUntil, log),
    webhooks: { ...webhooks, bells: deliveriesAfterAnswer(webhooks.bells, waitUntil, log) },
  };
}

function webhookPortsOf({ webhooks, serverKeys }: Config, env: Env): WebhookPorts {
  return {
    bells: queueDeliveryBells(env.WEBHOOK_BELLS),
    sender: httpsSender(platformFetch),
    resolver: dnsOverHttps(webhooks.resolverUrl, platformFetch),
    secrets: webhookSecretsOf(serverKeys),
    allowHosts: webhooks.allowHosts,
  };
}

const generators = new WeakMap<Config, TextGenerator>();

/** One for all calls of an isolate: it learns what its model does not take. */
function generatorOf(config: Config, env: Env): TextGenerator {
  const known = generators.get(config) ?? textGeneratorOf(config.model, env);
  generators.set(config, known);
  return known;
}

const textEmbedders = new WeakMap<Config, Embedder>();

/** As {@link generatorOf}. */
function textEmbedderOf(config: Config, env: Env): Embedder | undefined {
  const known = textEmbedders.get(config) ?? embedderOf(config.embedder, env);
  if (known !== undefined) textEmbedders.set(config, known);
  return known;
}

function rateOf(limiter: RateLimit): ClaimRate {
  return { take: async (key) => (await limiter.limit({ key })).success };
}

const wordVectors = new WeakMap<Fetcher, WordVectors>();

/** One for all requests of an isolate: its table is read once. */
function wordVectorsOf(assets: Fetcher): WordVectors {
  const known = wordVectors.get(assets);
  if (known !== undefined) return known;
  const opened = embeddedWordVectors(async () => {
    // The binding looks at the path alone; a URL must have a host.
    const response = await assets.fetch(new URL(WORD_VECTORS_PATH, "https://assets.invalid"));
    if (!response.ok) throw new Error(`The asset ${WORD_VECTORS_PATH} answers ${response.status}.`);
    return response.arrayBuffer();
  });
  wordVectors.set(assets, opened);
  return opened;
}

/** @param waitUntil of the HTTP call that the runtime is for. */
export function openApiRuntime(env: Env, waitUntil: WaitUntil): ApiRuntime {
  const config = configOf(env);
  return {
    services: openServices(env, waitUntil),
    adminKey: config.adminKey,
    rateLimiter: config.rateLimited ? env.RATE_LIMITER : null,
    requestObjects: config.placement,
    creationsWaitingMax: CREATIONS_WAITING_MAX,
    model: config.model,
    gate: config.gate,
    readiness: () => readiness(env),
  };
}
