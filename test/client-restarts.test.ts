import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Tidings } from '../packages/client/src/tidings.ts';
import { eventOf } from './support/deliveries.ts';
import { type DeliveryProcesses, useDeliveryProcesses } from './support/delivery-processes.ts';
import { type MailSink, mailSink } from './support/mailsink.ts';

vi.setConfig({ testTimeout: 180_000 });

const RESTARTS = 2;
const LANES = 8;

const prepare = useDeliveryProcesses();
let sink: MailSink;
let processes: DeliveryProcesses;

beforeEach(async () => {
  sink = await mailSink(() => 0);
  processes = await prepare(sink, 2000);
});
afterEach(() => sink.close());

test('while the server is killed and started again, the client loses nothing and makes nothing twice', async () => {
  let { program, url } = await processes.start('api');
  const tidings = new Tidings({
    baseUrl: 'http://tidings.invalid',
    maxRetries: 30,
    // The server has another port after each start.
    fetch: (address, init) => fetch(String(address).replace('http://tidings.invalid', String(url)), init),
  });
  let isOver = false;
  let calls = 0;
  const posted = { events: 0, accepted: 0, keys: 0 };
  const work = async (lane: number) => {
    for (let n = 0; !isOver; n++) {
      const events = [0, 1, 2].map((item) => eventOf('held', { user: `lane ${lane}`, n, item }));
      const { accepted, duplicates } = await tidings.events.send(events);
      posted.events += events.length;
      posted.accepted += accepted + duplicates;
      await tidings.keys.create({ name: `${lane} ${n}`, scopes: ['users:read'] });
      posted.keys++;
      calls++;
    }
  };
  const lanes = Promise.all(Array.from({ length: LANES }, (_, lane) => work(lane)));
  for (let restarts = 0; restarts < RESTARTS; restarts++) {
    const before = calls;
    await expect.poll(() => calls - before, { interval: 5 }).toBeGreaterThan(LANES * 2);
    program.killGroup('SIGKILL');
    await program.ended;
    ({ program, url } = await processes.start('api'));
    // As a minute does, for the requests that were under way.
    await processes.database.pool.query(`update idempotency_keys set locked_until = now() where status is null`);
  }
  await expect.poll(() => calls).toBeGreaterThan(LANES * 2 * (RESTARTS + 1));
  isOver = true;
  await lanes;

  expect(posted.accepted).toBe(posted.events);
  let stored = 0;
  for (let lane = 0; lane < LANES; lane++) for await (const _ of tidings.users.events(`lane ${lane}`)) stored++;
  expect(stored).toBe(posted.events);
  const names: string[] = [];
  for await (const { name } of tidings.keys.list({ limit: 20 })) names.push(name);
  expect(new Set(names).size).toBe(names.length);
  expect(names).toHaveLength(posted.keys);
});
