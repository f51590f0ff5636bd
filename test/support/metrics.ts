import type pg from 'pg';
import { LATENCY_BOUNDS_MS } from '../../src/store/metrics/counters.ts';
import { foldDeltas } from '../../src/store/metrics/fold.ts';
import { listWaitingTenants } from '../../src/store/tenants/list-waiting-tenants.ts';

/** Roll-ups of a database, and what a count of its rows gives in their place. */

const DAY_MS = 86_400_000;
/** Providers that say what became of a message. */
const REPORTING = ['courier', 'http', 'sendgrid', 'ses', 'twilio', 'inbox'];
const PERIODS = { minute: null, hour: null, day: null, week: null };

/** Sums by `GRAIN DIMENSION BUCKET TYPE CHANNEL VALUE`, and by counter; what is 0 is left out. */
export type Rollups = { readonly [key: string]: { readonly [counter: string]: number } };

/** Folds all deltas of all tenants. @param limit deltas that one fold takes */
export async function foldAll(pool: pg.Pool, now = Date.now(), limit = 1000): Promise<void> {
  for (const tenantId of await listWaitingTenants(pool, 'metric_deltas', '', 1000)) {
    while ((await foldDeltas(pool, tenantId, now, PERIODS, limit)) > 0);
  }
}

/** Returns the roll-ups of a tenant. */
export async function loadRollups(pool: pg.Pool, tenantId: string): Promise<Rollups> {
  const { rows } = await pool.query('select * from metric_rollups where tenant_id = $1', [tenantId]);
  const all: { [key: string]: { [counter: string]: number } } = {};
  for (const row of rows) {
    const { tenant_id: _, grain, dimension, bucket, notification_type: type, channel, value, ...sums } = row;
    const counters = Object.entries(sums).map(([name, sum]) => [name, Number(sum)] as const);
    const kept = counters.filter(([, sum]) => sum !== 0);
    const key = [grain, dimension, new Date(bucket).toISOString(), type, channel, value].join('|');
    if (kept.length > 0) all[key] = Object.fromEntries(kept);
  }
  return all;
}

/** A decided event: the rows of a tenant do not say when. */
export interface Decided {
  readonly at: number;
  readonly event: string;
  readonly decisions: readonly {
    readonly notification_type: string;
    readonly rule: string;
    readonly outcome: string;
    readonly reason_code: string;
  }[];
}

type Dimensions = {
  readonly [dimension in
    | 'event'
    | 'type'
    | 'channel'
    | 'provider'
    | 'account'
    | 'locale'
    | 'variant'
    | 'version'
    | 'rule'
    | 'reason'
    | 'currency']?: string | number | null;
};

/** Returns the roll-ups that a scan of all rows of a tenant gives. @param decided the events that were accepted */
export async function scanRows(pool: pg.Pool, tenantId: string, decided: readonly Decided[]): Promise<Rollups> {
  const scan = new Scan();
  const active = await pool.query('select version from active_catalogs where tenant_id = $1', [tenantId]);
  const { version: activeVersion } = active.rows[0];
  for (const { at, event, decisions } of decided) {
    scan.add(at, { event, version: activeVersion }, { events: 1 });
    for (const { notification_type: type, rule, outcome, reason_code: reason } of decisions) {
      if (outcome === 'suppressed') scan.add(at, { type, rule, reason, version: activeVersion }, { held: 1 });
    }
  }
  const notifications = await pool.query(
    'select created_at, notification_type as type, rule, catalog_version as version from notifications where tenant_id = $1',
    [tenantId],
  );
  for (const { created_at, type, rule, version } of notifications.rows) {
    scan.add(created_at, { type, rule, version }, { decided: 1 });
  }
  const deliveries = await pool.query(
    `select d.*, n.catalog_version as version from deliveries as d join notifications as n using (tenant_id, notification_id)
     where d.tenant_id = $1`,
    [tenantId],
  );
  for (const one of deliveries.rows) {
    const { notification_type: type, channel, version, status } = one;
    scan.add(one.created_at, { type, channel, version }, { planned: 1 });
    if (one.finished_at === null) continue;
    const isOut = status === 'sent' || status === 'sandboxed';
    const isInInbox = status === 'sent' && one.provider === 'inbox';
    const flags: readonly string[] = one.receipt_flags ?? [];
    const has = (...names: readonly string[]) => Number(names.some((name) => flags.includes(name)));
    const is = (...states: readonly string[]) => Number(states.includes(one.receipt_state));
    const isDelivered =
      is('delivered', 'partly_delivered', 'complained') ||
      has('opened', 'clicked', 'read', 'unsubscribed') ||
      Number(isInInbox);
    const { provider, account, locale, variant, reason_code: reason } = one;
    const latency = one.finished_at - one.created_at;
    const dimensions = { type, channel, provider, account, locale, variant, version, reason };
    scan.add(
      one.finished_at,
      { ...dimensions, ...(one.cost === null ? {} : { currency: one.currency }) },
      {
        [status]: 1,
        attempts: one.attempts,
        delivered: isDelivered,
        confirmable:
          isDelivered || is('bounced', 'failed') || Number(status === 'sent' && REPORTING.includes(one.provider)),
        opened: has('opened', 'clicked', 'read'),
        clicked: has('clicked'),
        read: has('read'),
        unsubscribed: has('unsubscribed'),
        unconfirmed: is('unconfirmed'),
        bounced: is('bounced'),
        failed: is('failed'),
        complained: is('complained'),
        cost: Number(one.cost ?? 0),
        ...(isOut ? { latency_ms: latency, [`latency_${toClass(latency)}`]: 1 } : {}),
      },
    );
  }
  const attempts = await pool.query(
    `select a.*, d.notification_type as type from attempts as a join deliveries as d using (tenant_id, notification_id, channel, target)
     where tenant_id = $1 and a.cost is not null`,
    [tenantId],
  );
  for (const { started_at, type, channel, provider, account, currency, cost } of attempts.rows)
    scan.add(started_at, { type, channel, provider, account, currency }, { cost: Number(cost) });
  return scan.all();
}

function toClass(latency: number): number {
  const index = LATENCY_BOUNDS_MS.findIndex((bound) => latency < bound);
  return index === -1 ? LATENCY_BOUNDS_MS.length : index;
}

class Scan {
  readonly #all: { [key: string]: { [counter: string]: number } } = {};

  add(at: number, of: Dimensions, counts: { readonly [counter: string]: number }): void {
    const { type, channel = '', provider, account, currency } = of;
    const sender = provider && (account ? `${provider}/${account}` : provider);
    const keys: (readonly [string, unknown, unknown, unknown])[] = [
      ['channel', '', channel, ''],
      ['type', type, channel, ''],
      ['provider', type, channel, sender],
      ['event', of.event === undefined ? undefined : '', '', of.event],
      ['cost', type, channel, currency && sender && `${currency} ${sender}`],
    ];
    for (const name of ['locale', 'variant', 'rule', 'reason'] as const) keys.push([name, type, channel, of[name]]);
    // Events of a version have no type.
    keys.push(['version', type ?? '', channel, of.version]);
    const midnight = at - (at % DAY_MS);
    const weekday = (new Date(midnight).getUTCDay() + 6) % 7;
    const monday = midnight - weekday * DAY_MS;
    const buckets = {
      minute: at - (at % 60_000),
      hour: at - (at % 3_600_000),
      day: midnight,
      week: monday,
      four_weeks: monday - (((monday / DAY_MS - 4) / 7) % 4) * 7 * DAY_MS,
    };
    for (const [dimension, ...key] of keys) {
      if (key.some((part) => part === undefined || part === null)) continue;
      for (const [grain, bucket] of Object.entries(buckets)) {
        if (grain === 'minute' && dimension !== 'channel' && dimension !== 'type') continue;
        this.#sum([grain, dimension, new Date(bucket).toISOString(), ...key].join('|'), counts);
      }
    }
  }

  #sum(key: string, counts: { readonly [counter: string]: number }): void {
    this.#all[key] ??= {};
    const sums = this.#all[key];
    for (const [name, count] of Object.entries(counts)) {
      if (count !== 0) sums[name] = (sums[name] ?? 0) + count;
    }
  }

  all(): Rollups {
    const rounded = Object.entries(this.#all).map(([key, sums]) => {
      if (sums.cost !== undefined) sums.cost = Number(sums.cost.toFixed(6));
      return [key, sums] as const;
    });
    return Object.fromEntries(rounded.filter(([, sums]) => Object.keys(sums).length > 0));
  }
}
