import { AsyncLocalStorage } from 'node:async_hooks';
import { createHash, randomBytes } from 'node:crypto';

/**
 * Traces over processes, by `traceparent` as the W3C has it (https://www.w3.org/TR/trace-context/). While tracing is off, which is the
 * ordinary case, every function here returns at once.
 *
 * The traceparent of an event is stored in its context, hence in the data of its notifications: nothing else is stored. The spans
 * that come after have ids that are made from what they are about, so that each process knows them without a message.
 */

/** Trace, span and flags of a `traceparent`, as hexadecimal digits. */
export interface TraceParent {
  /** 32 digits, not all zero. */
  readonly traceId: string;
  /** 16 digits, not all zero. */
  readonly spanId: string;
  readonly isSampled: boolean;
}

/** Version 00; of a later version, what it has in common with that. */
const PATTERN = /^(?!ff)[0-9a-f]{2}-((?!0{32})[0-9a-f]{32})-((?!0{16})[0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?$/;

/** Reads a header `traceparent`; undefined: it is not well-formed. */
export function parseTraceparent(text: unknown): TraceParent | undefined {
  if (typeof text !== 'string' || text.length > 256) return undefined;
  const [, traceId, spanId, flags] = PATTERN.exec(text) ?? [];
  if (traceId === undefined || spanId === undefined) return undefined;
  return { traceId, spanId, isSampled: (Number.parseInt(flags ?? '0', 16) & 1) === 1 };
}

export function formatTraceparent({ traceId, spanId, isSampled }: TraceParent): string {
  return `00-${traceId}-${spanId}-${isSampled ? '01' : '00'}`;
}

/** Returns the id of the span about something: the same for the same parts, in every process. */
export function toSpanId(...parts: readonly (string | number)[]): string {
  const id = createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 16);
  return id === '0000000000000000' ? '0000000000000001' : id;
}

/** The spans of a delivery: what decided it, the delivery itself, and one attempt. */
interface TracedDelivery {
  readonly notificationId: string;
  readonly channel: string;
  readonly target: string;
  readonly attempt: number;
}

export function toDecisionSpan(notificationId: string): string {
  return toSpanId('decision', notificationId);
}

export function toDeliverySpan({ notificationId, channel, target }: Omit<TracedDelivery, 'attempt'>): string {
  return toSpanId('delivery', notificationId, channel, target);
}

export function toAttemptSpan({ notificationId, channel, target, attempt }: TracedDelivery): string {
  return toSpanId('attempt', notificationId, channel, target, attempt);
}

let storage: AsyncLocalStorage<string> | undefined;
let sampledShare = 1;
/** Traceparents of items that wait for their batch. */
let itemTraces = new WeakMap<object, string>();

/** Turns tracing on in this process. @param share of the traces that begin here and are sampled, from 0 to 1 */
export function startTracing(share: number): void {
  sampledShare = share;
  storage = new AsyncLocalStorage();
}

/** Turns tracing off. */
export function stopTracing(): void {
  storage = undefined;
  itemTraces = new WeakMap();
}

export function isTracing(): boolean {
  return storage !== undefined;
}

/** Returns a new span: in the trace of the caller, or one that begins here. */
export function beginSpan(parent: TraceParent | undefined): TraceParent {
  return {
    traceId: parent?.traceId ?? randomBytes(16).toString('hex'),
    spanId: randomBytes(8).toString('hex'),
    isSampled: parent?.isSampled ?? Math.random() < sampledShare,
  };
}

/** Does work as a part of a trace: items that are ingested during it have this traceparent, unless they bring one. */
export function runInTrace<T>(traceparent: string, work: () => T): T {
  return storage ? storage.run(traceparent, work) : work();
}

/**
 * Notes that items come from a trace; without effect if there is no such trace.
 * @param traceparent default: that of which this is a part
 */
export function noteTrace(items: readonly unknown[], traceparent: unknown = storage?.getStore()): void {
  if (!storage || typeof traceparent !== 'string' || !parseTraceparent(traceparent)) return;
  for (const item of items) if (typeof item === 'object' && item !== null) itemTraces.set(item, traceparent);
}

/** Returns the trace that an item comes from; undefined: none is known. */
export function findTrace(item: unknown): string | undefined {
  return storage && typeof item === 'object' && item !== null ? itemTraces.get(item) : undefined;
}

/** Returns the traceparent in the data of a notification; undefined: tracing is off, or it has no trace. */
export function readTrace(data: { readonly [name: string]: unknown } | null): string | undefined {
  if (!storage || data === null) return undefined;
  const { traceparent } = (data.context ?? {}) as { readonly traceparent?: unknown };
  return parseTraceparent(traceparent) ? (traceparent as string) : undefined;
}
