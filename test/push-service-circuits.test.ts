import { afterEach, expect, test } from 'vitest';
import { type PushTidings, pushTidings } from './support/push.ts';

/** The host of an endpoint is the domain that fails: the account goes on for the browsers of others. */

let push: PushTidings;
afterEach(() => push.close());

const at = (host: string, n = 0) =>
  ({
    platform: 'web',
    service: 'web_push',
    secret: { endpoint: `https://${host}/${n}`, p256dh: 'p', auth: 'a' },
  }) as const;

test('a push service that does not respond opens the circuit of its host, and of no account', async () => {
  push = await pushTidings([
    {
      name: 'browsers',
      services: ['web_push'],
      answer: ({ target }) =>
        target.kind === 'browser' && target.endpoint.includes('away')
          ? { kind: 'retry', of: 'domain', reason: 'there was no response in time', timedOut: true }
          : { kind: 'sent' },
    },
  ]);
  for (let n = 0; n < 20; n++) await push.register('ann', at('away.example', n));
  await push.register('ben', at('works.example'));
  const pushed = push.push('ann');
  const load = async () => (await push.tidings.database.pool.query('select domain from circuits')).rows;
  await expect.poll(load, { timeout: 20_000 }).toEqual([{ domain: 'away.example' }]);
  expect(await push.push('ben')).toMatchObject([{ status: 'sent' }]);
  push.tidings.clock.now += 40 * 24 * 3_600_000;
  expect((await pushed).every(({ status }) => status === 'dead')).toBe(true);
});
