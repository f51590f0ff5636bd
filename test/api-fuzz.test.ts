import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildApiDocument } from '../src/http/openapi/build-document.ts';
import { type ApiOperation, arbitraryRequest, type KnownValues, listOperations } from './support/api-requests.ts';
import { type FuzzedTenants, fuzzedTenants } from './support/fuzzed-tenants.ts';

/**
 * Requests made from the OpenAPI document, valid and hostile, by callers of every kind, with ids and cursors of the own tenant and
 * of another: none is answered with 5xx, each response is as the document says, and none shows anything of the other tenant.
 */

let world: FuzzedTenants;

beforeAll(async () => {
  world = await fuzzedTenants();
});

afterAll(async () => {
  await world.expectAlive();
  await world.close();
});

const operations = listOperations(await buildApiDocument());

/**
 * Requests of each operation; with FUZZ_RUNS, as many as it says. FUZZ_SEED repeats a run. Without either the requests are always
 * the same, so that a change is judged by what it changes; `npm run fuzz` looks for new ones.
 */
const { FUZZ_RUNS, FUZZ_SEED = FUZZ_RUNS === undefined ? '1' : undefined } = process.env;
const numRuns = Number(FUZZ_RUNS ?? 8);
/** The seed of the first operation; each further one has the next. */
const seed = FUZZ_SEED === undefined ? undefined : Number(FUZZ_SEED);

test.each(operations.map((one, n): [string, ApiOperation, number] => [one.name, one, n]))(
  '%s',
  async (_name, operation, n) => {
    await world.renew();
    const known: KnownValues = world;
    await fc.assert(
      fc.asyncProperty(fc.nat(world.callers.length - 1), arbitraryRequest(operation, known), async (index, request) => {
        await world.send(operation, index, request);
      }),
      { numRuns, ...(seed === undefined ? {} : { seed: seed + n }) },
    );
  },
);

test('the requests reach what they are for: many operations succeed for some caller', () => {
  const names = operations.map(({ name }) => name);
  const succeeded = names.filter((name) => world.statuses.get(name)?.has(2));
  const others = names.filter((name) => !succeeded.includes(name));
  expect(succeeded.length, others.join(', ')).toBeGreaterThan(names.length / 3);
});
