import type { Millis } from '../src/model/event.ts';
import { type Files, loadExample, replaceIn } from './catalogs.ts';
import type { Troubles } from './providers/stand-ins.ts';
import type { TimeMachine } from './time/machine.ts';
import type { DemoUser } from './worlds/users.ts';
import { DAY, HOUR, type Span, type World } from './worlds/world.ts';

/*
 * What members and services did in these weeks: each step is a request that they would have sent, at the time at which they sent it.
 */

/** Something that someone did at a time. */
export interface Step {
  readonly at: Millis;
  readonly what: string;
  run(): Promise<void>;
}

/** The catalogs of the market: what is active, what was tried, and what is being tried. */
export interface MarketCatalogs {
  readonly first: Files;
  /** The one that is active at the end. */
  readonly second: Files;
  readonly rolledBack: Files;
  readonly underWay: Files;
}

/** Descriptions of the types that are of no use later than an hour: an outage shows what comes of them. */
const GIVEN_UP = [
  'description: Tells of a log-in from a device that was not seen before.',
  'description: Tells that the password was changed.',
];

export function makeMarketCatalogs(): MarketCatalogs {
  const first = GIVEN_UP.reduce(
    (files, line) => replaceIn(files, 'notifications.yaml', line, `${line}\n    give_up_after: 1h`),
    loadExample('marketplace'),
  );
  const cart = 'templates/ABANDONED_CART/email.en.subject.txt';
  const second = replaceIn(first, cart, 'You left something in your cart', 'Your cart is waiting for you');
  return {
    first,
    second,
    rolledBack: replaceIn(
      second,
      'rules.yaml',
      'limit: [2 per day in user zone, 5 per 7d]',
      'limit: [6 per day in user zone, 20 per 7d]',
    ),
    underWay: replaceIn(
      second,
      'rules.yaml',
      'when: event.new_device == true',
      'when: event.new_device == true\n    limit: 2 per day',
    ),
  };
}

/** Returns what they did, in order of time. */
export function planStory(
  machine: TimeMachine,
  { from, until, scale }: Span,
  worlds: readonly World[],
  catalogs: MarketCatalogs,
): Step[] {
  const { call } = machine;
  const [market, lender, booking] = worlds as [World, World, World];
  const before = (days: number, hours = 0) =>
    Math.max(from + HOUR, until - days * scale * DAY + hours * HOUR * Math.min(1, scale));
  let tried = '';
  let underWay = '';
  const steps: Step[] = [
    {
      at: before(20),
      what: 'a new text for abandoned carts',
      run: async () => void (await call('POST', '/api/v1/catalog', { body: { files: catalogs.second } })),
    },
    {
      at: before(15, 2),
      what: 'a release of more promotions, to a fifth of the users',
      run: async () => {
        const body = { files: catalogs.rolledBack, share: 20, watch: null, note: 'More promotions for each user' };
        tried = (await call('POST', '/api/v1/releases', { body })).body.release.release_id;
      },
    },
    {
      at: before(13, 5),
      what: 'that release is rolled back',
      run: async () =>
        void (await call('POST', `/api/v1/releases/${tried}/rollback`, {
          body: { reason: 'Readers complain about the number of promotions.' },
        })),
    },
    {
      at: before(2, 1),
      what: 'a release of fewer warnings of log-ins',
      run: async () => {
        const body = {
          files: catalogs.underWay,
          share: 10,
          finish_after: '7d',
          note: 'At most two warnings of log-ins a day',
        };
        underWay = (await call('POST', '/api/v1/releases', { body })).body.release.release_id;
      },
    },
    {
      at: before(1, 3),
      what: 'it goes to a quarter of the users',
      run: async () => void (await call('POST', `/api/v1/releases/${underWay}/share`, { body: { share: 25 } })),
    },
    {
      at: before(9, 1),
      what: 'a batch of the market',
      run: () =>
        runBatch(machine, market, 'PROMOTION_REMINDER', 'Autumn sale', 60, {
          promotionName: 'Autumn sale',
          discountPercent: 20,
        }),
    },
    {
      at: before(5, 2),
      what: 'a batch of the lender',
      run: () =>
        runBatch(machine, lender, 'OFFER', 'Lower rates', 40, {
          offer_id: 'o-9',
          name: 'A lower rate',
          ends_on: '2027-12-31',
        }),
    },
    {
      at: before(0, -20),
      what: 'a batch that is a draft, and messages for the days to come',
      run: async () => {
        await draftBatch(machine, market, 'PROMOTION_REMINDER', 'Next week', 80, {
          promotionName: 'Next week',
          discountPercent: 10,
        });
        for (const [place, { id }] of lender.users.slice(0, 6).entries()) {
          const body = {
            type: 'STATEMENT_READY',
            recipients: [{ user_id: id }],
            variables: { statement_id: `s-${place}`, balance: 120 },
            scheduled_at: new Date(until + (place + 1) * 20 * HOUR).toISOString(),
          };
          await call('POST', '/api/v1/notifications', { tenant: lender.tenant, body });
        }
      },
    },
    {
      at: before(11),
      what: 'who asked by phone gets no more emails',
      run: async () => {
        const [user] = market.users;
        const body = { channel: 'email', address: user?.email, note: 'Asked on the phone' };
        await call('POST', '/api/v1/suppressions', { body });
      },
    },
    {
      at: before(10),
      what: 'a key is replaced, and one is revoked',
      run: async () => {
        const { keys } = (await call('GET', '/api/v1/keys')).body;
        const find = (name: string) => keys.find((key: { name: string }) => key.name === name).key_id;
        await call('POST', `/api/v1/keys/${find('warehouse')}/rotate`, { body: {} });
        await call('DELETE', `/api/v1/keys/${find('trial of an agency')}`);
      },
    },
    {
      at: before(8),
      what: 'a customer is erased',
      run: async () => {
        const user = market.users.at(-20);
        await call('POST', `/api/v1/users/${user?.id}/erase`, { body: { reason: 'Asked by email' } });
      },
    },
    {
      at: before(4, 1),
      what: 'what a wrong release of the shop posted is looked through',
      run: async () => {
        const { rejected } = (await call('GET', '/api/v1/events/rejected?limit=4')).body;
        for (const { rejected_id } of rejected)
          await call('POST', `/api/v1/events/rejected/${rejected_id}/dismiss`, { body: {} });
      },
    },
    {
      at: before(1, -1),
      what: 'marketing goes by the other account while that for it is looked into',
      run: async () =>
        void (await call('PATCH', '/api/v1/provider-accounts/sendgrid_news', {
          body: { failover_to: 'sendgrid_main' },
        })),
    },
    {
      at: before(0, -5),
      what: 'someone tries the passwords of a list',
      run: () => tryPasswords(machine, market),
    },
    ...planMistakes(machine, before, market, booking),
  ];
  return steps.filter(({ at }) => at > from && at <= until).sort((a, b) => a.at - b.at);
}

/** One attempt for each of many users, which is no reason to warn any of them. */
async function tryPasswords({ ingest, clock }: TimeMachine, { tenant, users }: World): Promise<void> {
  const events = users.slice(0, 90).map(({ id }, number) => ({
    event_id: `attempt-${number}`,
    user_id: id,
    event_type: 'login.failed',
    event_timestamp: new Date(clock.now - number * 4000).toISOString(),
    properties: { device: 'unknown', place: 'unknown' },
  }));
  await ingest(tenant, events);
}

/** Returns what makes it visible that providers were down: messages of many users while they were. */
export function planOutages(
  { ingest, clock }: TimeMachine,
  { tenant, users }: World,
  { emailDown, smsRejected }: Pick<Troubles, 'emailDown' | 'smsRejected'>,
): Step[] {
  const post = (at: Millis, what: string, type: string, of: readonly DemoUser[], properties: object): Step => ({
    at,
    what,
    run: () =>
      ingest(
        tenant,
        of.map(({ id }, number) => ({
          event_id: `outage-${at}-${type}-${number}`,
          user_id: id,
          event_type: type,
          event_timestamp: new Date(clock.now - number * 9000).toISOString(),
          properties,
        })),
      ),
  });
  const login = { device: 'the new app', place: 'London', new_device: true };
  const change = { device: 'the new app', place: 'London' };
  return [
    post(emailDown[0], 'a new app logs users in once more', 'login.succeeded', users.slice(20, 44), login),
    post(emailDown[0], 'some change their password', 'password.changed', users.slice(44, 50), change),
    post(smsRejected[0], 'the new app asks for better passwords', 'password.changed', users.slice(50, 66), change),
  ];
}

/** Events that cannot be taken: of a wrong release of the shop for some hours, and one by one. */
function planMistakes(machine: TimeMachine, before: (days: number) => Millis, market: World, booking: World): Step[] {
  const post = (world: World, bad: (at: Millis, number: number) => object, count: number, daysBefore: number): Step => {
    const at = before(daysBefore);
    return {
      at,
      what: 'events that cannot be taken',
      run: () =>
        machine.ingest(
          world.tenant,
          Array.from({ length: count }, (_, number) => bad(at - number * 30_000, number)),
        ),
    };
  };
  const toEvent = (world: World, at: Millis, number: number, type: string, properties: object) => ({
    event_id: `bad-${at}-${number}`,
    user_id: world.users[number % world.users.length]?.id,
    event_type: type,
    event_timestamp: new Date(at).toISOString(),
    properties,
  });
  const withoutId = (at: Millis, number: number) =>
    toEvent(market, at, number, 'order.created', { total: '48,00', currency: 'GBP' });
  const withoutZone = (at: Millis, number: number) => ({
    ...toEvent(booking, at, number, 'booking_confirmed', { role: 'client', booking_id: `x-${number}` }),
    event_timestamp: new Date(at).toISOString().slice(0, 19),
  });
  const misspelled = (at: Millis, number: number) => {
    const { user_id: userId, ...rest } = toEvent(market, at, number, 'cart.updated', { cart_id: 'x', item_count: 1 });
    return { ...rest, userid: userId };
  };
  return [
    post(market, withoutId, 24, 4.1),
    post(market, misspelled, 3, 12.3),
    post(market, misspelled, 2, 1.3),
    post(booking, withoutZone, 5, 6.2),
    post(booking, withoutZone, 4, 0.6),
    post(market, withoutId, 2, 0.3),
  ];
}

async function draftBatch(
  machine: TimeMachine,
  world: World,
  type: string,
  name: string,
  count: number,
  variables: object,
): Promise<string> {
  const { call } = machine;
  const { tenant } = world;
  const made = await call('POST', '/api/v1/batches', { tenant, body: { type, name, variables } });
  const lines = world.users.slice(0, count).map(({ id }) => JSON.stringify({ user_id: id }));
  const path = `/api/v1/batches/${made.body.batch_id}`;
  // Two lines of a list that was put together by hand.
  const body = [...lines, '{"email":"not an address"}', JSON.stringify({ user_id: world.users[0]?.id }), ''].join('\n');
  await call('PUT', `${path}/recipients?offset=0`, {
    tenant,
    headers: { 'content-type': 'application/x-ndjson' },
    body,
  });
  return path;
}

async function runBatch(
  machine: TimeMachine,
  world: World,
  type: string,
  name: string,
  count: number,
  variables: object,
): Promise<void> {
  const path = await draftBatch(machine, world, type, name, count, variables);
  await machine.call('POST', `${path}/start`, { tenant: world.tenant, body: {} });
  await machine.settle();
}

/** Returns the step in which support sends again what an outage has stopped, of the types that are still of use. */
export function planRetry(machine: TimeMachine, from: Millis, at: Millis): Step {
  return {
    at,
    what: 'what the outage has stopped is sent again',
    run: async () => {
      const filter = { channel: 'email', notification_type: 'NEW_LOGIN', since: new Date(from).toISOString() };
      const body = { action: 'deliveries.retry', filter, name: 'After the outage' };
      await machine.call('POST', '/api/v1/jobs', { body });
      await machine.settle();
    },
  };
}
