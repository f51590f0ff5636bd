import { type Attributes, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor, RandomIdGenerator } from '@opentelemetry/sdk-trace-base';
import { VERSION } from '../lib/package-version.ts';
import type { Decision } from '../model/decision.ts';
import type { Millis } from '../model/event.ts';
import {
  type AnsweredRequest,
  answered,
  attempted,
  batched,
  type DecidedBatch,
  decided,
  type IngestedBatch,
  type MadeAttempt,
} from '../observe/happenings.ts';
import {
  parseTraceparent,
  startTracing,
  stopTracing,
  type TraceParent,
  toAttemptSpan,
  toDecisionSpan,
  toDeliverySpan,
} from '../observe/trace-context.ts';
import { uuidTime } from '../time/uuid-time.ts';

/** Requests that the span of a batch is linked to, at most. */
const MAX_LINKS = 100;
/** Spans that wait to be sent, at most: with more, new ones are dropped. */
const MAX_QUEUED_SPANS = 8192;

/** A span that is over. */
interface EndedSpan {
  readonly name: string;
  /** Its id; absent: any. */
  readonly spanId?: string;
  /** Its trace, and the span above it; undefined: it begins a trace of its own. */
  readonly parent: TraceParent | undefined;
  /** The trace that it begins. */
  readonly traceId?: string;
  readonly kind?: SpanKind;
  readonly from: Millis;
  readonly to: Millis;
  readonly attributes: Attributes;
  readonly links?: readonly TraceParent[];
  /** Description of a failure; absent: it did not fail. */
  readonly error?: string;
}

/**
 * Sends spans of what this process tells of its work to a collector, by OTLP over HTTP: request → decision → delivery → attempt, and
 * batches that are linked to their requests. Nothing in a span names a user, an address or a URL. Returns a function that sends the last
 * ones and ends that.
 */
export function openTraces(url: string): () => Promise<void> {
  const ids = new GivenIds();
  const provider = new BasicTracerProvider({
    idGenerator: ids,
    resource: resourceFromAttributes({
      'service.name': process.env.OTEL_SERVICE_NAME || 'tidings',
      'service.version': VERSION,
      'process.pid': process.pid,
    }),
    spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter({ url }), { maxQueueSize: MAX_QUEUED_SPANS })],
  });
  const tracer = provider.getTracer('tidings', VERSION);
  const write = ({ name, spanId, traceId, parent, from, to, links = [], error, ...span }: EndedSpan) => {
    const context = parent ? trace.setSpanContext(ROOT_CONTEXT, toSpanContext(parent)) : ROOT_CONTEXT;
    ids.give(spanId, traceId);
    const started = tracer.startSpan(
      name,
      { ...span, startTime: from, links: links.map((link) => ({ context: toSpanContext(link) })) },
      context,
    );
    if (error !== undefined) started.setStatus({ code: SpanStatusCode.ERROR, message: error });
    started.end(Math.max(from, to));
  };
  startTracing(readRatio(process.env));
  const ends = [
    answered.subscribe((request) => write1(write, toRequestSpan(request))),
    batched.subscribe((batch) => write1(write, toBatchSpan(batch))),
    decided.subscribe((batch) => toDecisionSpans(batch).forEach(write)),
    attempted.subscribe((attempt) => toAttemptSpans(attempt).forEach(write)),
  ];
  return async () => {
    stopTracing();
    for (const end of ends) end();
    await provider.shutdown();
  };
}

function write1(write: (span: EndedSpan) => void, span: EndedSpan | undefined): void {
  if (span) write(span);
}

/** Random ids, except for those that were given for the next span. */
class GivenIds extends RandomIdGenerator {
  #spanId: string | undefined;
  #traceId: string | undefined;

  constructor() {
    super();
    const { generateSpanId, generateTraceId } = this;
    this.generateSpanId = () => this.#spanId ?? generateSpanId();
    this.generateTraceId = () => this.#traceId ?? generateTraceId();
  }

  give(spanId: string | undefined, traceId: string | undefined): void {
    this.#spanId = spanId;
    this.#traceId = traceId;
  }
}

/** Returns the share of new traces that are sampled, as the variables of OpenTelemetry say. Default: all. */
function readRatio({ OTEL_TRACES_SAMPLER: sampler = '', OTEL_TRACES_SAMPLER_ARG: share }: NodeJS.ProcessEnv): number {
  if (sampler.endsWith('always_off')) return 0;
  const ratio = Number(share || 1);
  return sampler.endsWith('traceidratio') && ratio >= 0 && ratio <= 1 ? ratio : 1;
}

function toSpanContext({ traceId, spanId }: TraceParent) {
  return { traceId, spanId, traceFlags: 1, isRemote: true };
}

function readSampled(text: unknown): TraceParent | undefined {
  const found = parseTraceparent(text);
  return found?.isSampled ? found : undefined;
}

function toRequestSpan(request: AnsweredRequest): EndedSpan | undefined {
  const own = readSampled(request.traceparent);
  if (!own) return undefined;
  const { method, route, status, durationMs, requestId, tenantId, correlationId } = request;
  const parent = readSampled(request.parentTraceparent);
  const to = Date.now();
  return {
    name: route === undefined ? method : `${method} ${route}`,
    ...{ spanId: own.spanId, traceId: own.traceId, parent, kind: SpanKind.SERVER, from: to - durationMs, to },
    attributes: {
      'http.request.method': method,
      'http.response.status_code': status,
      ...(route === undefined ? {} : { 'http.route': route }),
      'tidings.request_id': requestId,
      ...(correlationId === undefined ? {} : { 'tidings.correlation_id': correlationId }),
      ...(tenantId === undefined ? {} : { 'tidings.tenant_id': tenantId }),
    },
    ...(status >= 500 ? { error: `status ${status}` } : {}),
  };
}

function toBatchSpan({ tenantId, items, durationMs, failed, traceparents }: IngestedBatch): EndedSpan | undefined {
  const links = traceparents.slice(0, MAX_LINKS).flatMap((one) => readSampled(one) ?? []);
  if (links.length === 0) return undefined;
  const to = Date.now();
  return {
    name: 'batch',
    ...{ parent: undefined, from: to - durationMs, to, links },
    attributes: { 'tidings.tenant_id': tenantId, 'tidings.events': items },
    ...(failed ? { error: 'the batch failed' } : {}),
  };
}

/** A span for each decision that is more than a rule that did not match. */
function toDecisionSpans({ tenantId, at, events, waits }: DecidedBatch): EndedSpan[] {
  const from = at;
  const toSpans = (event: { type: string; context?: unknown }, decisions: readonly Decision[], ofWait: boolean) => {
    const parent = readSampled((event.context as { readonly traceparent?: unknown } | undefined)?.traceparent);
    if (!parent) return [];
    return decisions
      .filter(({ outcome }) => outcome !== 'not_matched')
      .map(
        ({ notification_id: id, rule, notification_type, outcome, reason_code }): EndedSpan => ({
          name: `decision ${outcome}`,
          ...(id === null ? {} : { spanId: toDecisionSpan(id) }),
          ...{ parent, from, to: Math.max(from, Date.now()) },
          attributes: {
            ...{ 'tidings.tenant_id': tenantId, 'tidings.event_type': event.type, 'tidings.rule': rule },
            ...{ 'tidings.notification_type': notification_type, 'tidings.outcome': outcome },
            ...{ 'tidings.reason_code': reason_code, 'tidings.of_wait': ofWait },
          },
        }),
      );
  };
  return [
    ...events.flatMap(({ event, decisions }) => toSpans(event, decisions, false)),
    ...waits.flatMap(({ wait, decisions }) => toSpans(wait.state.trigger, decisions, true)),
  ];
}

/** The span of the attempt, and with the last one that of the delivery. */
function toAttemptSpans(attempt: MadeAttempt): EndedSpan[] {
  const event = readSampled(attempt.traceparent);
  if (!event) return [];
  const { notificationId, channel, provider, outcome, status, startedAt, durationMs, fault } = attempt;
  const to = startedAt + durationMs;
  const attributes = {
    ...{ 'tidings.tenant_id': attempt.tenantId, 'tidings.notification_id': notificationId },
    ...{ 'tidings.notification_type': attempt.notificationType, 'tidings.channel': channel },
    ...{ 'tidings.provider': provider, 'tidings.status': status },
  };
  const deliverySpan = toDeliverySpan(attempt);
  const made: EndedSpan = {
    name: `attempt ${channel}`,
    spanId: toAttemptSpan(attempt),
    parent: { ...event, spanId: deliverySpan },
    ...{ kind: SpanKind.CLIENT, from: startedAt, to },
    attributes: { ...attributes, 'tidings.attempt': attempt.attempt, 'tidings.outcome': outcome },
    ...(outcome === 'sent' || outcome === 'sandboxed' ? {} : { error: outcome }),
  };
  if (status === 'queued') return [made];
  const delivery: EndedSpan = {
    name: `delivery ${channel}`,
    spanId: deliverySpan,
    parent: { ...event, spanId: toDecisionSpan(notificationId) },
    ...{ kind: SpanKind.PRODUCER, from: uuidTime(notificationId), to, attributes },
    ...(fault === undefined ? {} : { error: `${status}: ${fault}` }),
  };
  return [made, delivery];
}
