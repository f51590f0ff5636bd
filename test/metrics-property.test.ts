import fc from 'fast-check';
import { expect, test } from 'vitest';
import { systemActor } from '../src/model/principal.ts';
import type { Receipt } from '../src/model/receipt.ts';
import { recordReceipts } from '../src/receipts/record-receipts.ts';
import { claimDeliveries } from '../src/store/deliveries/claim.ts';
import type { ClaimedDelivery } from '../src/store/deliveries/claimed-delivery.ts';
import { cancelDelivery } from '../src/store/deliveries/delivery-commands.ts';
import { endDoubt } from '../src/store/deliveries/end-doubt.ts';
import type { Settlement } from '../src/store/deliveries/settlements.ts';
import { type DeliveryTidings, deliveryCatalog, eventOf, LEASE_MS, useDeliveries } from './support/deliveries.ts';
import { type Decided, foldAll, loadRollups, scanRows } from './support/metrics.ts';
import { runs } from './support/properties.ts';
import { deadOf, missingOf, retryOf, sentOf } from './support/settlements.ts';
import { silent, TENANT } from './support/tidings.ts';

/** The roll-ups are what a scan of the rows gives, whatever happened, however often it was reported, and in whatever order. */

const start = useDeliveries();

const CATALOG = deliveryCatalog({
  'rules.yaml':
    'rules: { MAIL: { on: mail, limit: 2 per day }, HELD: { on: held }, TEXT: { on: text }, ALERT: { on: alert }, LISTED: { on: listed } }',
});

const ACTOR = systemActor('test');
const KINDS = ['delivered', 'opened', 'clicked', 'read', 'bounced', 'failed', 'complained', 'unsubscribed'] as const;

const index = fc.nat(50);
const step = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('post' as const),
      types: fc.array(fc.constantFrom('mail', 'held', 'text'), { minLength: 1, maxLength: 4 }),
      user: fc.constantFrom('u1', 'u2'),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('claim' as const), count: fc.integer({ min: 1, max: 5 }) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('settle' as const),
      which: fc.array(index, { minLength: 1, maxLength: 3 }),
      outcome: fc.constantFrom('sent', 'sandboxed', 'dead', 'retry', 'missing', 'in_doubt'),
      locale: fc.constantFrom(null, 'en', 'pt'),
      cost: fc.constantFrom(null, 0.05, 0.125),
      isAlone: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('expire' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('retry' as const), which: index }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('cancel' as const), which: index }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('end doubt' as const), which: index, wasAccepted: fc.boolean() }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('receipt' as const),
      which: index,
      id: fc.constantFrom('a', 'b', 'c', 'd'),
      kind: fc.constantFrom(...KINDS),
      isMachine: fc.boolean(),
      cost: fc.constantFrom(null, 0.2),
      isOverdue: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('later' as const), ms: fc.constantFrom(90, 40_000, 3_600_000, 90_000_000) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('fold' as const), limit: fc.integer({ min: 1, max: 4 }) }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

class History {
  readonly decided: Decided[] = [];
  readonly #tidings: DeliveryTidings;
  readonly #claims: ClaimedDelivery[] = [];

  constructor(tidings: DeliveryTidings) {
    this.#tidings = tidings;
  }

  async run(one: Step): Promise<void> {
    const { clock, database, catalogs, seal } = this.#tidings;
    const { pool } = database;
    switch (one.do) {
      case 'post': {
        const events = one.types.map((type, n) => eventOf(type, { user: one.user, n }));
        const results = await this.#tidings.ingest(events);
        for (const [n, { decisions }] of results.entries())
          this.decided.push({ at: clock.now, event: events[n]?.event_type as string, decisions });
        return;
      }
      case 'claim': {
        const want = (['email', 'sms'] as const).map((channel) => ({ channel, count: one.count }));
        this.#claims.push(
          ...(await claimDeliveries(pool, `worker ${this.#claims.length % 2}`, want, clock.now, LEASE_MS)),
        );
        return;
      }
      case 'settle': {
        const held = one.which.flatMap((at) => this.#claims[at % Math.max(1, this.#claims.length)] ?? []);
        // A worker settles a delivery once in a statement.
        const perDelivery = new Map(held.map((claim) => [`${claim.notificationId} ${claim.channel}`, claim]));
        const settlements = [...perDelivery.values()].map((claim) => this.#settlementOf(claim, one));
        if (one.isAlone) for (const settlement of settlements) await this.#tidings.settle('worker 0', [settlement]);
        else await this.#tidings.settle('worker 0', settlements);
        return;
      }
      case 'expire':
        clock.now += LEASE_MS + 1;
        await this.#tidings.expireLeases();
        await this.#tidings.rescueExpired();
        return;
      case 'later':
        clock.now += one.ms;
        return;
      case 'fold':
        await foldAll(pool, clock.now, one.limit);
        return;
    }
    const { rows } = await pool.query(
      `select tenant_id as "tenantId", notification_id as "notificationId", channel, target from deliveries
       order by created_at, notification_id`,
    );
    const delivery = rows[one.which % Math.max(1, rows.length)];
    if (!delivery) return;
    if (one.do === 'retry') await this.#tidings.retry(`${delivery.notificationId}.${delivery.channel}`);
    if (one.do === 'cancel') await cancelDelivery(pool, TENANT, delivery, ACTOR, clock.now);
    if (one.do === 'end doubt') {
      const { wasAccepted } = one;
      await endDoubt(
        pool,
        delivery,
        { provider: 'fake', account: 'main', providerMessageId: null, wasAccepted },
        clock.now,
      );
    }
    if (one.do === 'receipt') {
      const parts = { pool, catalogs, seal, clock: () => clock.now, log: silent };
      const message = { ...delivery, provider: 'fake', account: 'main', messageKey: 'key', addressHash: null };
      await recordReceipts(parts, message, [this.#receiptOf(one)], one.isOverdue);
    }
  }

  #receiptOf({ id, kind, isMachine, cost }: Extract<Step, { do: 'receipt' }>): Receipt {
    return {
      id: `${id} ${kind}`,
      of: { reference: 'key' },
      kind,
      at: this.#tidings.clock.now,
      isMachine,
      ...(cost === null ? {} : { cost: { amount: cost, currency: 'EUR' } }),
    };
  }

  #settlementOf(claim: ClaimedDelivery, { outcome, locale, cost }: Extract<Step, { do: 'settle' }>): Settlement {
    const { now } = this.#tidings.clock;
    const sent = sentOf(claim);
    const account = claim.fence % 2 === 0 ? 'main' : null;
    const provider = ['fake', 'ses', 'inbox'][claim.fence % 3] as string;
    const shown = locale === null ? {} : { locale, variant: `v ${locale}` };
    // Half of the providers keep no message: their messages have a locale all the same.
    const message = locale === null || account === null ? null : { sealed: Buffer.from('x'), toMask: null, ...shown };
    const rendered = (one: Settlement) => ({ ...one, message, attempt: { ...one.attempt, ...shown } });
    const accepted = {
      ...sent.attempt,
      ...{ provider, account },
      ...(cost === null ? {} : { cost: { amount: cost, currency: 'USD' } }),
    };
    switch (outcome) {
      case 'sent':
        return rendered({ ...sent, attempt: accepted });
      case 'sandboxed':
        return rendered({ ...sent, status: 'sandboxed', attempt: { ...accepted, outcome: 'sandboxed' } });
      case 'dead':
        return rendered(deadOf(claim));
      case 'retry':
        return rendered(retryOf(claim, now));
      case 'missing':
        return missingOf(claim, 'missing_email');
      default: {
        const dead = deadOf(claim);
        return rendered({
          ...dead,
          status: 'in_doubt',
          reasonCode: 'in_doubt',
          attempt: { ...dead.attempt, outcome: 'in_doubt' },
        });
      }
    }
  }
}

test('roll-ups equal a scan of the rows after any history', { timeout: 120_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60, size: 'max' }), async (steps) => {
      const tidings = await start({});
      const { pool } = tidings.database;
      await tidings.apply(CATALOG);
      await pool.query('delete from metric_deltas; delete from metric_rollups; delete from limit_uses');
      const history = new History(tidings);
      for (const one of steps) await history.run(one);
      await foldAll(pool, tidings.clock.now);
      expect(await loadRollups(pool, TENANT)).toEqual(await scanRows(pool, TENANT, history.decided));
    }),
    runs(10),
  );
});
