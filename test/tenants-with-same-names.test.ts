import { afterAll, beforeAll, expect, test } from 'vitest';
import { call, listOperations } from './support/tenant-operations.ts';
import { OTHER, type TwoTenants, twoTenants } from './support/two-tenants.ts';

/** Two tenants may use one name for things of their own. */

/** Operations that make what their path names. */
const MAKES_WHAT_IT_NAMES: ReadonlySet<string> = new Set([
  'PUT /api/v1/issuers/{issuer}',
  'POST /api/v1/users/{user_id}/tokens',
]);

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
