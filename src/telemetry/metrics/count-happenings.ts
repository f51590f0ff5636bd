import { PRIORITIES } from '../../model/delivery.ts';
import {
  answered,
  attempted,
  batched,
  claimLimited,
  decided,
  deferred,
  endedAtClaim,
  ingested,
  type MadeAttempt,
  published,
  publishFailed,
  rescued,
  templateFailed,
} from '../../observe/happenings.ts';
import { uuidTime } from '../../time/uuid-time.ts';
import type { Metrics } from './registry.ts';

/** Counts what this process tells of its work. Returns a function that ends that. */
export function countHappenings(metrics: Metrics): () => void {
  const ends = [
    ingested.subscribe(({ tenantId, results }) => {
      for (const { status, code } of results) {
        metrics.add('events', { status, ...metrics.ofTenant(tenantId) });
        if (code !== undefined) metrics.add('rejectedEvents', { code });
      }
    }),
    batched.subscribe(({ items, durationMs, failed }) => {
      metrics.observe('batchSeconds', durationMs / 1000, { result: failed ? 'failed' : 'stored' });
      metrics.observe('batchEvents', items);
    }),
    decided.subscribe(({ tenantId, events, waits }) => {
      const tenant = metrics.ofTenant(tenantId);
      for (const { decisions } of [...events, ...waits]) {
        for (const { outcome, reason_code } of decisions) metrics.add('decisions', { outcome, reason_code, ...tenant });
      }
    }),
    attempted.subscribe((attempt) => countAttempt(metrics, attempt)),
    endedAtClaim.subscribe(({ tenantId, channel, status, code }) => {
      metrics.add('deliveries', { channel, provider: 'none', status, ...metrics.ofTenant(tenantId) });
      if (DEAD_AT_CLAIM.has(code)) metrics.add('deadLettersMade', { channel, fault: 'message' });
    }),
    deferred.subscribe(({ channel, code }) => metrics.add('deferrals', { channel, code })),
    claimLimited.subscribe(() => metrics.add('limitedClaims')),
    templateFailed.subscribe(({ channel }) => metrics.add('templateErrors', { channel })),
    published.subscribe(({ tenantId, messages }) =>
      metrics.add('outboxPublished', metrics.ofTenant(tenantId), messages),
    ),
    publishFailed.subscribe(({ code }) => metrics.add('outboxFailures', { cause: code })),
    rescued.subscribe(({ kind, count }) => metrics.add('rescues', { kind }, count)),
    answered.subscribe(({ method, route = 'unknown', area, status, durationMs }) => {
      metrics.add('requests', { method, route, status });
      metrics.observe('requestSeconds', durationMs / 1000, { area });
    }),
  ];
  return () => {
    for (const end of ends) end();
  };
}

/** Reason codes of the dead letters that a claim makes. */
const DEAD_AT_CLAIM: ReadonlySet<string> = new Set(['expired', 'notification_gone']);

function countAttempt(metrics: Metrics, attempt: MadeAttempt): void {
  const { tenantId, channel, provider, outcome, status, fault, startedAt, durationMs } = attempt;
  metrics.add('attempts', { channel, provider, outcome });
  metrics.observe('attemptSeconds', durationMs / 1000, { channel, provider });
  if (fault !== undefined) metrics.add('deadLettersMade', { channel, fault });
  if (status === 'queued') return;
  metrics.add('deliveries', { channel, provider, status, ...metrics.ofTenant(tenantId) });
  if (status !== 'sent' && status !== 'sandboxed') return;
  const priority = PRIORITIES[attempt.priority] ?? 'LOW';
  const latency = startedAt + durationMs - uuidTime(attempt.notificationId);
  metrics.observe('latency', Math.max(0, latency) / 1000, { channel, priority });
}
