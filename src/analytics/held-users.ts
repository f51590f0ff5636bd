import type { Millis } from '../model/event.ts';
import {
  findHeld,
  HELD_SOURCES,
  type HeldItem,
  type HeldPlace,
  type HeldQuery,
  type HeldSource,
  type HeldSpan,
  listHeldDays,
  startOf,
} from '../store/metrics/find-held.ts';
import { type MetricParts, type MetricSpan, readAsOf, toSpan } from './read-metrics.ts';

/** A position in the list. */
export interface HeldPosition extends HeldPlace {
  readonly source: HeldSource;
}

export interface HeldUser extends HeldItem {
  readonly source: HeldSource;
}

/** Statements that one page makes over the days of a source, at most. */
const MAX_STRETCHES = 10;

/**
 * Returns a page of what a reason held back, each with its user: decisions on events, then those at the end of waits, then
 * messages; of each the latest first. The roll-ups say on which days there are any, so that the others are not looked at. A page
 * looks at a bounded number of rows, and so may be short, or empty, and still have a next one.
 */
export async function listHeldUsers(
  parts: MetricParts,
  asked: HeldQuery & Partial<HeldSpan>,
  limit: number,
  after: HeldPosition | null,
): Promise<MetricSpan & { readonly users: readonly HeldUser[]; readonly next: HeldPosition | null }> {
  const span = toSpan(parts.now, asked);
  const asOf = await readAsOf(parts, asked.tenantId);
  const users: HeldUser[] = [];
  const left = HELD_SOURCES.slice(after === null ? 0 : HELD_SOURCES.indexOf(after.source));
  let stretches = 0;
  for (const source of left) {
    let reached: HeldPlace | null = after?.source === source ? after : null;
    for (const days of await listSpans(parts, asked, span, source, reached)) {
      const place = reached ?? startOf(source, days);
      if (stretches++ === MAX_STRETCHES) return { ...span, asOf, users, next: { source, ...place } };
      const room = limit - users.length;
      const stretch = await findHeld(parts.pool, source, asked, { span: days, after: place, limit: room });
      users.push(...stretch.items.map((item) => ({ ...item, source })));
      if (stretch.next !== null) return { ...span, asOf, users, next: { source, ...stretch.next } };
      reached = null;
    }
  }
  return { ...span, asOf, users, next: null };
}

/** Returns the spans that are walked, the latest first. Messages are not in the order of the days in which they ended. */
async function listSpans(
  { pool }: MetricParts,
  asked: HeldQuery,
  span: HeldSpan,
  source: HeldSource,
  after: HeldPlace | null,
): Promise<HeldSpan[]> {
  const days = await listHeldDays(pool, asked, span, source === 'message');
  const [first, last] = [days[0], days.at(-1)];
  if (!first || !last) return [];
  if (source === 'message') return [{ from: first.from, to: last.to }];
  const end: Millis = after?.at ?? Number.POSITIVE_INFINITY;
  return days.filter(({ from }) => from <= end).reverse();
}
