import { answered } from '../observe/happenings.ts';
import {
  beginSpan,
  formatTraceparent,
  isTracing,
  parseTraceparent,
  runInTrace,
  type TraceParent,
} from '../observe/trace-context.ts';
import type { App } from './app.ts';

/** A header of the caller, as a log line may show it. */
const WELL_FORMED = /^[A-Za-z0-9][A-Za-z0-9._:=+/-]{0,127}$/;
/** Routes that are asked every few seconds, and are left out. */
const PROBES = /^\/(healthz\/|metrics)/;

interface Span {
  readonly own: TraceParent;
  readonly parent: TraceParent | undefined;
}

/** Tells of each request when it is answered, and gives it its place in a trace. Without listeners it does not touch them. */
export function observeRequests(app: App): void {
  const isTraced = isTracing();
  if (!isTraced && !answered.hasSubscribers) return;
  const spans = new WeakMap<object, Span>();
  if (isTraced) {
    // After the body was read, which loses what came before.
    app.addHook('preValidation', (request, _reply, done) => {
      if (PROBES.test(request.url)) return done();
      const parent = parseTraceparent(request.headers.traceparent);
      const own = beginSpan(parent);
      spans.set(request, { own, parent });
      runInTrace(formatTraceparent(own), done);
    });
  }
  app.addHook('onResponse', (request, reply, done) => {
    const { method, id, headers, routeOptions, principal } = request;
    const { url: route, schema } = routeOptions;
    if (PROBES.test(request.url)) return done();
    const correlationId = headers['x-correlation-id'];
    const span = spans.get(request);
    const actor = principal?.actor;
    answered.publish({
      requestId: id,
      ...(typeof correlationId === 'string' && WELL_FORMED.test(correlationId) ? { correlationId } : {}),
      method,
      ...(route === undefined ? {} : { route }),
      area: (schema as { readonly tags?: readonly string[] } | undefined)?.tags?.[0] ?? 'other',
      status: reply.statusCode,
      durationMs: reply.elapsedTime,
      ...(principal ? { tenantId: principal.tenantId } : {}),
      ...(actor ? { actor: { kind: actor.kind, id: actor.id } } : {}),
      ...(span ? { traceparent: formatTraceparent(span.own) } : {}),
      ...(span?.parent ? { parentTraceparent: formatTraceparent(span.parent) } : {}),
    });
    done();
  });
}
