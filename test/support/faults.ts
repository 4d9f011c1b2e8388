/**
 * Faults around the real bindings. Tests and Worker share one isolate, so this module's state is common to both. Every
 * call of a binding passes through and is logged under a label: "db: <sql>", "queue: sendBatch", "object: <method>".
 */
export type FaultKind =
  /** Throws, and nothing happened. */
  | "fails-before"
  /** It happened, but the answer is an error. */
  | "fails-after"
  /** Never answers, and nothing happened. */
  | "hangs"
  /** Happens twice. */
  | "doubles"
  /** Happens after the next call of the same binding, or a little later where none comes. */
  | "reorders"
  /**
   * Says it happened, though it did not. For the queue alone, which gives nothing but its word: a statement or a call
   * of an object that was not carried out has no result, and so nothing that it could answer.
   */
  | "drops"
  /** Answers an error while it is under way: it happens when the test lets it land. */
  | "lands-late"
  /** The object that makes the call is reset before the call happens. Only for calls out of an object. */
  | "crashes-before"
  /** It is reset when the call has happened, before it knows. */
  | "crashes-after"
  /** It is reset while the call is under way: that happens when the test lets it land. */
  | "crashes-landing";

/** What a call says of whom it is for: ids, of which its arguments hold one. */
export type Scope = readonly string[];

export interface BindingCall {
  readonly label: string;
  /** The call's arguments as text: bound values, the object's name, the body of a message. */
  readonly about: () => string;
  /** Resets the object that makes the call; there is none in the Worker. */
  readonly crash: Crash | undefined;
  /** Carries the call out from elsewhere and later, though its caller is gone. A database then tells the time of then. */
  readonly late: () => Promise<unknown>;
}

export type Crash = () => Promise<never>;

interface Limits {
  /** Spares the calls that name none of these ids: so many tests may run side by side. */
  readonly scope?: Scope;
  /** Meets the calls of this very label alone: quicker to tell than a part of it, where many faults are armed. */
  readonly exactly?: boolean;
  /** Spares the calls that come before that fault has fired. */
  readonly after?: Fault;
  /** Spares the calls of the Worker and its consumer. */
  readonly fromObject?: boolean;
  /** When what `reorders` holds back may happen, whatever else came meanwhile. */
  readonly heldUntil?: () => boolean;
}

/** A fault that waits for its call. */
export interface Fault extends Limits {
  readonly at: string;
  readonly kind: FaultKind;
  left: number;
  /** How often it was met. */
  fired: number;
  /** How often what it held back has happened since. */
  landed: number;
  /** Calls that are still under way: see {@link land}. */
  readonly underWay: UnderWay[];
}

/** A call whose caller heard of an error, or is gone, before the call happens. */
export interface UnderWay {
  readonly label: string;
  /** Whether a later call of the same binding, and of the same scope, has happened meanwhile. */
  overtaken: boolean;
  readonly work: () => Promise<unknown>;
}

/** A call that is held back lets the others pass for so long. */
const HELD_MS_MAX = 200;
const HELD_LOOK_MS = 10;

interface Held {
  readonly binding: string;
  readonly scope: Scope | undefined;
  passed: boolean;
}

let armed: Fault[] = [];
let calls: string[] = [];
let fired: string[] = [];
let watches: { readonly scope: Scope; readonly see: (call: SeenCall) => void }[] = [];
const held = new Set<Held>();

/** Arms a fault at the next calls whose label holds `at`. */
export function arm(kind: FaultKind, at: string, times = 1, limits: Limits = {}): Fault {
  const fault: Fault = { ...limits, at, kind, left: times, fired: 0, landed: 0, underWay: [] };
  armed.push(fault);
  return fault;
}

export function disarm(...faults: readonly (Fault | undefined)[]): void {
  armed = armed.filter((fault) => !faults.includes(fault));
}

/**
 * Lets the calls land that a fault keeps under way, one after the other.
 * @returns how many there were.
 */
export async function land(fault: Fault): Promise<number> {
  const landing = fault.underWay.splice(0);
  // Nobody hears what comes of it.
  for (const { work } of landing) await work().catch(() => undefined);
  return landing.length;
}

export function resetFaults(): void {
  armed = [];
  calls = [];
  fired = [];
  watches = [];
}

/** Labels of the calls that a fault hit. */
export function firedFaults(): readonly string[] {
  return fired;
}

/** Labels of all calls since the last reset. */
export function loggedCalls(): readonly string[] {
  return calls;
}

type SeenCall = Pick<BindingCall, "label" | "about">;

/** The calls in a scope, from now on, until nobody looks any more. */
export function seeCalls(scope: Scope): { readonly seen: readonly SeenCall[]; readonly end: () => void } {
  const seen: SeenCall[] = [];
  const watch = { scope, see: (call: SeenCall) => void seen.push(call) };
  watches.push(watch);
  return { seen, end: () => void (watches = watches.filter((other) => other !== watch)) };
}

/** The labels of the calls in a scope, from now on. */
export function watchCalls(scope: Scope): readonly string[] {
  const labels: string[] = [];
  watches.push({ scope, see: ({ label }) => void labels.push(label) });
  return labels;
}

/** How many round trips to D1 there were whose statements hold `text`. */
export function databaseCalls(text = ""): number {
  return calls.filter((label) => label.startsWith("db: ") && label.includes(text)).length;
}

/** Sends one call through the faults. */
export async function through<T>(given: BindingCall, work: () => Promise<T>): Promise<T> {
  const call = { ...given, about: once(given.about) };
  const { label } = call;
  calls.push(label);
  for (const watch of watches) if (isIn(watch.scope, call)) watch.see(call);
  const fault = armed.find((each) => meets(each, call));
  if (fault === undefined) return passing(call, work);
  fault.left -= 1;
  fault.fired += 1;
  fired.push(label);
  switch (fault.kind) {
    case "fails-before":
      throw new Error(`Injected: fails before (${fault.at})`);
    case "fails-after":
      await passing(call, work);
      throw new Error(`Injected: done, but answered an error (${fault.at})`);
    case "hangs":
      return new Promise<T>(() => undefined);
    case "doubles":
      await passing(call, work);
      return passing(call, work);
    case "reorders":
      await (fault.heldUntil === undefined ? overtaken(call, fault.scope) : freed(fault.heldUntil));
      return passing(call, work).finally(() => (fault.landed += 1));
    case "drops":
      if (bindingOf(label) !== "queue") throw new Error(`Only the queue can drop what it took: ${label}`);
      return undefined as T;
    case "lands-late":
      sendOff(fault, call);
      throw new Error(`Injected: under way, but answered an error (${fault.at})`);
    case "crashes-before":
      return crashIn(call);
    case "crashes-after":
      await passing(call, work);
      return crashIn(call);
    case "crashes-landing":
      sendOff(fault, call);
      return crashIn(call);
    default:
      throw new Error(`No such fault: ${String(fault.kind)}`);
  }
}

function crashIn({ label, crash }: BindingCall): Promise<never> {
  if (crash === undefined) throw new Error(`Only an object can crash in a call: ${label}`);
  return crash();
}

function sendOff({ underWay }: Fault, { label, late }: BindingCall): void {
  underWay.push({ label, overtaken: false, work: late });
}

function meets({ at, kind, left, scope, after, fromObject, exactly }: Fault, call: BindingCall): boolean {
  if (left === 0 || !(exactly === true ? call.label === at : call.label.includes(at))) return false;
  if ((fromObject === true || kind.startsWith("crashes")) && call.crash === undefined) return false;
  return (after === undefined || after.fired > 0) && isIn(scope, call);
}

function isIn(scope: Scope | undefined, { about }: BindingCall): boolean {
  if (scope === undefined) return true;
  const text = about();
  return scope.some((id) => text.includes(id));
}

/** Many faults and watches may ask what a call is about. */
function once(make: () => string): () => string {
  let made: string | undefined;
  return () => (made ??= make());
}

function bindingOf(label: string): string {
  return label.slice(0, label.indexOf(":"));
}

/** Does the work; whoever is held back for this call may go then. */
async function passing<T>(call: BindingCall, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } finally {
    for (const other of held)
      if (other.binding === bindingOf(call.label) && isIn(other.scope, call)) other.passed = true;
    for (const { scope, underWay } of armed)
      for (const other of underWay)
        if (bindingOf(other.label) === bindingOf(call.label) && isIn(scope, call)) other.overtaken = true;
  }
}

async function freed(isFree: () => boolean): Promise<void> {
  while (!isFree()) await new Promise((resolve) => setTimeout(resolve, HELD_LOOK_MS));
}

/** Looks again and again, because a call of another request cannot wake this one. */
async function overtaken({ label }: BindingCall, scope: Scope | undefined): Promise<void> {
  const own: Held = { binding: bindingOf(label), scope, passed: false };
  held.add(own);
  for (let ms = 0; ms < HELD_MS_MAX && !own.passed; ms += HELD_LOOK_MS)
    await new Promise((resolve) => setTimeout(resolve, HELD_LOOK_MS));
  held.delete(own);
}
