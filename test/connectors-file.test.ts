import { expect, test } from 'vitest';
import { mistakesIn } from './support/parser.ts';

/** connectors.yaml: what is wrong is said with its place. */

const IMPORT = `connectors:
  customers:
    kind: customer-import
    on: subscribed
    url: https://core.example.com
`;
const CARDS = `connectors:
  cards:
    kind: card-registration
    mode: upstream
    url: https://core.example.com
`;

test.each([
  [
    `${IMPORT}    path: /customers\n`,
    6,
    'path: {user_id} is missing: write a path such as /api/v1/customers/{user_id}',
  ],
  [`${IMPORT}    path: /customers/{usr_id}\n`, 6, 'path: {usr_id} is the place of nothing: here it is {user_id}'],
  [`${IMPORT}    path: /customers/{user_id}?of={id}\n`, 6, 'path: {id} is the place of nothing: here it is {user_id}'],
  [
    `${IMPORT}    path: /customers/{user_id}\n    traits:\n      emial: { from: email }\n`,
    8,
    'events.yaml declares no trait "emial"',
  ],
  [`${CARDS}    path: /register/{user_id}\n`, 6, 'path: {user_id} is the place of nothing: this path has no place'],
])('%s', async (text, line, message) => {
  expect(await mistakesIn('connectors.yaml', text)).toContainEqual(expect.objectContaining({ line, message }));
});
