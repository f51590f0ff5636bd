import fc from 'fast-check';
import { expect, test } from 'vitest';
import { useProcessPair } from './support/process-pair.ts';
import { runs } from './support/properties.ts';
import { BASE, SECOND, someRequests } from './support/random-catalog.ts';

const pair = useProcessPair();

test('the profile and the addresses are those of the newest event times, in any order of arrival', async () => {
  const traits = fc.record(
    {
      plan: fc.constantFrom('free', 'paid', null, { name: 'x' }),
      vip: fc.boolean(),
      // The first two have the same mask.
      email: fc.constantFrom('maria@example.com', 'mark@example.com', 'anna@example.com', '', null),
      email_address: fc.constantFrom('maria@example.com', 'max@example.com', null),
    },
    { requiredKeys: [] },
  );
  const event = fc.record({ second: fc.integer({ min: 0, max: 4 }), traits });
  const scenario = fc
    .array(event, { minLength: 2, maxLength: 7 })
    .chain((events) => fc.tuple(fc.constant(events), someRequests(events.length)));
  await pair().applyRules([]);
  await fc.assert(
    fc.asyncProperty(scenario, async ([events, requests]) => {
      const profileOf = async (requests: readonly number[][]) => {
        const run = pair().nextRun();
        for (const [index, places] of requests.entries()) {
          const items = places.map((place) => ({
            event_id: `${run} ${place}`,
            user_id: run,
            event_type: 'x',
            event_timestamp: new Date(BASE + (events[place]?.second ?? 0) * SECOND).toISOString(),
            user_traits: events[place]?.traits,
          }));
          const results = await pair().ingest(index, items);
          expect(results.map(({ status }) => status)).toEqual(items.map(() => 'accepted'));
        }
        const { rows } = await pair().tidings.database.pool.query(
          `select traits, address_hashes,
                  (select hash from addresses a where a.user_id = u.user_id and kind = 'email') as email
           from users u where user_id = $1`,
          [run],
        );
        return rows[0] as {
          traits: Record<string, unknown>;
          address_hashes: Record<string, unknown>;
          email: string | null;
        };
      };
      const together = await profileOf([events.map((_, index) => index)]);
      const mixed = await profileOf(requests);
      expect(mixed).toEqual(together);
      expect(mixed.email).toBe(mixed.address_hashes.email ?? null);
      for (const name of ['plan', 'vip'] as const) {
        const given = events.filter((one) => name in one.traits);
        // The newest one; of the same time the one with the greater text.
        const order = (one: (typeof given)[number]) => `${one.second} ${JSON.stringify(one.traits[name])}`;
        const newest = given.sort((a, b) => (order(a) < order(b) ? 1 : -1))[0];
        expect(mixed.traits[name]).toEqual(newest?.traits[name]);
      }
    }),
    runs(60),
  );
});
