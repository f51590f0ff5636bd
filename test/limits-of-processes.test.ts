import { afterEach, expect, test } from 'vitest';
import { eventOf } from './support/deliveries.ts';
import { useDeliveryProcesses } from './support/delivery-processes.ts';
import { type MailSink, mailSink } from './support/mailsink.ts';

/** Rate limits over four processes, all at once: of an account, of all tenants, of each, and of a user; per second, minute, hour and day. */

const start = useDeliveryProcesses();
let sink: MailSink;
afterEach(() => sink?.close());

const LIMITS = {
  accounts: { smtp: { per_second: 20, burst: 6 } },
  email: { tenant: { per_minute: 60 }, global: { per_hour: 70 }, user: { per_day: 8 } },
};
/** Messages that an hour allows at once, but for an eighth that is kept for urgent messages. */
const OF_HOUR = 70 - 9;
/** A mail arrives a moment after its token was taken, another at once. */
const SLACK_MS = 1000;

/** Checks that no window of time has more mails than burst + rate × time. */
function expectWithin(times: readonly number[], burst: number, interval: number): void {
  for (let first = 0; first < times.length; first++) {
    for (let last = first; last < times.length; last++) {
      const span = (times[last] as number) - (times[first] as number) + SLACK_MS;
      expect(last - first + 1).toBeLessThanOrEqual(burst + span / interval + 1);
    }
  }
}

test('four processes keep every limit together: what is beyond them waits, and none is dropped or tried in vain', async () => {
  sink = await mailSink();
  const processes = await start(sink, 30_000);
  const { url } = await processes.start('api');
  const flood = Array.from({ length: 30 }, (_, n) =>
    eventOf('mail', { n, user: 'flood', traits: { email: 'flood@example.com' } }),
  );
  const response = await fetch(`${url}/api/v1/events`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(flood),
  });
  expect(response.status).toBe(202);
  await processes.postEmails(url, 'mail', 100);
  const arrivals: number[] = [];
  const watch = setInterval(() => {
    while (arrivals.length < sink.mails.length) arrivals.push(performance.now());
  }, 5);
  const variables = { TIDINGS_LIMITS: JSON.stringify(LIMITS) };
  await Promise.all([1, 2, 3, 4].map(() => processes.start('workers', undefined, variables)));
  await expect.poll(() => sink.mails.length, { timeout: 60_000 }).toBeGreaterThanOrEqual(OF_HOUR);
  await new Promise((resolve) => setTimeout(resolve, 2000));
  clearInterval(watch);
  expect(sink.mails.length).toBeLessThanOrEqual(OF_HOUR + 2);
  expectWithin(arrivals, 6, 1000 / 20);
  expectWithin(arrivals, 60, 60_000 / 60);
  const ofFlood = sink.mails.filter(({ to }) => to === 'flood@example.com').length;
  expect(ofFlood).toBeGreaterThan(0);
  expect(ofFlood).toBeLessThanOrEqual(8);
  const counts = await processes.countByStatus();
  expect(Object.keys(counts).filter((status) => !['sent', 'queued', 'sending'].includes(status))).toEqual([]);
  const { rows } = await processes.database.pool.query(
    `select count(*)::int as n, max(attempts) as attempts from deliveries where retry_until > now()`,
  );
  expect(rows).toEqual([{ n: 130, attempts: 1 }]);
}, 150_000);
