import { call } from "./api";

/** A JSON Schema as it stands in the document. */
interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly items?: Schema;
  readonly oneOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly enum?: readonly unknown[];
  readonly example?: unknown;
  readonly default?: unknown;
}

export interface MediaType {
  readonly schema: Schema;
  readonly example?: unknown;
}

export interface Operation {
  readonly method: string;
  readonly path: string;
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary?: string;
  readonly security?: readonly Readonly<Record<string, readonly string[]>>[];
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly required?: boolean }[];
  readonly requestBody?: { readonly required?: boolean; readonly content: Readonly<Record<string, MediaType>> };
  readonly responses: Readonly<
    Record<string, { readonly description: string; readonly content?: Readonly<Record<string, MediaType>> }>
  >;
}

export interface OpenApiDocument {
  readonly openapi: string;
  readonly tags: readonly { readonly name: string }[];
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Omit<Operation, "method" | "path">>>>>;
}

export async function readDocument(): Promise<OpenApiDocument> {
  const { status, body } = await call("GET", "/openapi.json", { key: null });
  if (status !== 200) throw new Error(`GET /openapi.json: ${status} ${JSON.stringify(body)}`);
  return body;
}

export function operationsOf(document: OpenApiDocument): readonly Operation[] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, ...operation })),
  );
}

/** Whether an operation asks for a key. */
export const isSecured = (operation: Operation): boolean => operation.path.startsWith("/v1/");

export const jsonBodyOf = (operation: Operation): MediaType | undefined =>
  operation.requestBody?.content["application/json"];

/** The example of a body that is a file, and its media type. */
export function fileBodyOf(operation: Operation): { readonly type: string; readonly example: string } | undefined {
  const [type, media] = Object.entries(operation.requestBody?.content ?? {})[0] ?? [];
  if (type === undefined || type === "application/json") return undefined;
  const example = media?.schema.example;
  return { type, example: typeof example === "string" ? example : "" };
}

export const pathParametersOf = (operation: Operation): readonly string[] =>
  [...operation.path.matchAll(/\{(\w+)\}/g)].map((match) => String(match[1]));

/** A path with its parameters filled in. */
export function fill(path: string, ids: Readonly<Record<string, string>>): string {
  return path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const id = ids[name];
    if (id === undefined) throw new Error(`Say which thing {${name}} is: the obligations need one of each tenant.`);
    return encodeURIComponent(id);
  });
}

/** What the document shows as an example: composed of the examples of the parts, as a documentation page does it. */
export function exampleOf(document: OpenApiDocument, media: MediaType): any {
  return media.example ?? compose(document, media.schema);
}

/** Pointers to the leaves that show nothing: neither an example, nor the values they can have. */
export function bareLeaves(document: OpenApiDocument, media: MediaType): readonly string[] {
  return media.example === undefined ? bare(document, media.schema, "") : [];
}

/** The schema of an object, with its references followed and its parts put together. */
export function objectSchema(document: OpenApiDocument, given: Schema): Schema {
  const schema = resolved(document, given);
  const choice = schema.oneOf?.[0] ?? schema.anyOf?.[0];
  if (choice !== undefined) return objectSchema(document, choice);
  const parts = (schema.allOf ?? []).map((part) => objectSchema(document, part));
  return {
    ...schema,
    properties: Object.assign({}, ...parts.map((part) => part.properties), schema.properties),
    required: [...parts.flatMap((part) => part.required ?? []), ...(schema.required ?? [])],
  };
}

function resolved(document: OpenApiDocument, schema: Schema): Schema {
  if (schema.$ref === undefined) return schema;
  const found = document.components.schemas[schema.$ref.replace("#/components/schemas/", "")];
  if (found === undefined) throw new Error(`No such schema: ${schema.$ref}`);
  return resolved(document, found);
}

function shown(schema: Schema): { readonly value: unknown } | undefined {
  if (schema.example !== undefined) return { value: schema.example };
  if (schema.default !== undefined) return { value: schema.default };
  return schema.enum === undefined ? undefined : { value: schema.enum[0] };
}

const hasType = (schema: Schema, type: string) => [schema.type].flat().includes(type);

function compose(document: OpenApiDocument, given: Schema): unknown {
  const direct = shown(given) ?? shown(resolved(document, given));
  if (direct !== undefined) return direct.value;
  const schema = objectSchema(document, given);
  const own = shown(schema);
  if (own !== undefined) return own.value;
  if (hasType(schema, "array")) return schema.items === undefined ? [] : [compose(document, schema.items)];
  if (hasType(schema, "boolean")) return true;
  const properties = Object.entries(schema.properties ?? {});
  if (properties.length === 0 && hasType(schema, "null")) return null;
  return Object.fromEntries(properties.map(([name, part]) => [name, compose(document, part)]));
}

function bare(document: OpenApiDocument, given: Schema, pointer: string): readonly string[] {
  const schema = objectSchema(document, given);
  if (shown(given) ?? shown(resolved(document, given)) ?? shown(schema)) return [];
  if (hasType(schema, "boolean")) return [];
  if (hasType(schema, "array")) return schema.items === undefined ? [] : bare(document, schema.items, `${pointer}/0`);
  const properties = Object.entries(schema.properties ?? {});
  if (properties.length > 0) return properties.flatMap(([name, part]) => bare(document, part, `${pointer}/${name}`));
  return [pointer];
}
