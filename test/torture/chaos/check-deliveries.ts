import type pg from 'pg';
import type { Findings } from '../findings.ts';
import type { Tally } from './tally.ts';

/** Deliveries that are read at once. */
const PAGE = 5000;

export const ENDS = 'every delivery ends, in one final state';
export const ONCE = 'nothing is sent twice but what was in doubt';
export const HELD = 'what is to be held when in doubt is sent at most once';
export const TAKEN = 'what is sent was accepted by the provider';
export const FAILED = 'what failed for good was not accepted, unless in doubt';
export const TRIED = 'the attempts are those that the delivery counts, each once';
export const PLANNED = 'each event makes one notification';

interface Tried {
  readonly n: number;
  readonly o: string;
  /** Whether it was in doubt for a while: another attempt may have begun meanwhile. */
  readonly d: boolean;
  readonly own: boolean;
}

interface Row {
  readonly tenantId: string;
  readonly notificationId: string;
  readonly type: string;
  readonly channel: string;
  readonly target: string;
  readonly status: string;
  readonly finished: boolean;
  readonly reason: string | null;
  readonly attempts: number;
  /** `own`: not one before the delivery was spread to its targets. */
  readonly tried: readonly Tried[] | null;
}

/** Numbers of deliveries by status, and messages that were accepted more than once. */
export interface Counts {
  readonly statuses: { readonly [status: string]: number };
  readonly deliveries: number;
  /** Attempts that left a doubt. */
  readonly doubts: number;
  readonly repeated: number;
}

/** Checks each delivery against what the stand-ins accepted. */
export async function checkDeliveries(
  client: pg.Client,
  tally: Tally,
  addresses: ReadonlyMap<string, string>,
  findings: Findings,
): Promise<Counts> {
  const statuses: { [status: string]: number } = {};
  let [deliveries, doubts, repeated] = [0, 0, 0];
  for (let after: Row | undefined; ; ) {
    const rows = await loadPage(client, after);
    for (const row of rows) {
      deliveries++;
      statuses[row.status] = (statuses[row.status] ?? 0) + 1;
      const found = checkDelivery(row, tally, addresses, findings);
      doubts += found.doubts;
      if (found.accepted > 1) repeated++;
    }
    after = rows.at(-1);
    if (rows.length < PAGE) return { statuses, deliveries, doubts, repeated };
  }
}

/** Channels whose messages leave for a stand-in. */
const LEAVING: ReadonlySet<string> = new Set(['email', 'sms', 'push', 'webhook']);
const OPEN: ReadonlySet<string> = new Set(['queued', 'sending']);

function checkDelivery(row: Row, tally: Tally, addresses: ReadonlyMap<string, string>, findings: Findings) {
  const { notificationId, channel, target, status, type, attempts } = row;
  const tried = row.tried ?? [];
  const describe =
    (more = '') =>
    () =>
      `${row.tenantId} ${notificationId}.${channel}.${target} is ${status} (${row.reason}) after ${tried.map(({ n, o, d }) => `${n} ${o}${d ? ' once in doubt' : ''}`).join(', ')}${more}`;
  findings.expect(ENDS, row.finished && !OPEN.has(status), describe());
  const isCounted = tried.length === attempts && tried.every(({ n }, i) => n === i + 1);
  findings.expect(TRIED, isCounted, describe(` of ${attempts}`));
  if (!LEAVING.has(channel)) return { accepted: 0, doubts: 0 };
  // A receiver recognizes a webhook by its id: each failed attempt may have arrived.
  const isDoubt = ({ o, d, own }: Tried) => own && (o === 'in_doubt' || d || (channel === 'webhook' && o === 'retry'));
  const doubts = tried.filter(isDoubt).length;
  const accepted = tally.count(notificationId, target === '' ? channel : (addresses.get(target) ?? target));
  const said = describe(`; accepted ${accepted} times`);
  const sent = status === 'sent' ? 1 : 0;
  findings.expect(ONCE, accepted <= sent + doubts, said);
  if (type.endsWith('_HELD') && channel !== 'webhook') findings.expect(HELD, accepted <= 1, said);
  if (status === 'sent') findings.expect(TAKEN, accepted >= 1, said);
  if (status === 'dead') findings.expect(FAILED, accepted <= doubts, said);
  return { accepted, doubts };
}

async function loadPage(client: pg.Client, after: Row | undefined): Promise<Row[]> {
  const { rows } = await client.query<Row>(
    `select d.tenant_id as "tenantId", d.notification_id as "notificationId", n.notification_type as type, d.channel, d.target, d.status,
            d.finished_at is not null as finished, d.reason, d.attempts,
            (select json_agg(json_build_object('n', a.attempt, 'o', a.outcome, 'd', coalesce(a.reason, '') like '%it was in doubt until%', 'own', a.target = d.target) order by a.attempt) from all_attempts() as a
             where a.tenant_id = d.tenant_id and a.notification_id = d.notification_id and a.channel = d.channel
               and a.target in (d.target, '')) as tried
     from deliveries as d join notifications as n using (tenant_id, notification_id)
     where (d.tenant_id, d.notification_id, d.channel, d.target) > ($1, $2, $3, $4)
     order by d.tenant_id, d.notification_id, d.channel, d.target limit ${PAGE}`,
    [
      after?.tenantId ?? '',
      after?.notificationId ?? '00000000-0000-0000-0000-000000000000',
      after?.channel ?? '',
      after?.target ?? '',
    ],
  );
  return rows;
}
