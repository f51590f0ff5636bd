import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  call,
  listOperations,
  MAKES_WHAT_IT_NAMES,
  OTHER,
  type TwoTenants,
  twoTenants,
} from './support/two-tenants.ts';

/** Two tenants may use one name for things of their own. */

let both: TwoTenants;

beforeAll(async () => {
  both = await twoTenants();
});
afterAll(() => both.close());

test('an issuer or a token with a name of another tenant is one of the own tenant', async () => {
  const before = await both.digest(OTHER);
  const made = (await listOperations(both.server, both.other)).filter(({ name }) => MAKES_WHAT_IT_NAMES.has(name));
  expect(made.length).toBe(MAKES_WHAT_IT_NAMES.size);
  for (const operation of made) {
    expect([operation.name, (await call(both, operation)).status]).toEqual([operation.name, 201]);
  }
  expect(await both.digest(OTHER)).toBe(before);
});
