import { expect, test } from 'vitest';
import { Tidings, type TidingsOptions } from '../packages/client/src/tidings.ts';

/** Errors that a program in JavaScript reads when it makes a client wrongly. */

const make = (options: unknown) => () => new Tidings(options as TidingsOptions);

test('an option that does not exist is named, with those that do', () => {
  expect(make({ url: 'http://localhost:8000' })).toThrow(
    new TypeError(
      'url is not an option of Tidings; the options are baseUrl, apiKey, tenant, timeout, maxRetries, fetch, headers.',
    ),
  );
});

test.each([undefined, {}, { baseUrl: undefined }, { baseUrl: '' }, { baseUrl: 'localhost:8000' }, { baseUrl: '/api' }])(
  'an address that is not one says what would be right: %j',
  (options) => {
    expect(make(options)).toThrow(
      new TypeError('baseUrl must be the address of an installation of Tidings, such as http://localhost:8000.'),
    );
  },
);

test.each([
  [undefined, / The client was made without an apiKey\.$/],
  ['a key', /^unauthorized: A key is needed\.$/],
])('a call that is not authorized says whether the client has a key: %j', async (apiKey, message) => {
  const problem = { code: 'unauthorized', status: 401, detail: 'A key is needed.' };
  const fetch = async () => Response.json(problem, { status: 401 });
  const tidings = new Tidings({ baseUrl: 'http://localhost:8000', apiKey, fetch });
  await expect(tidings.users.list().page()).rejects.toThrow(message);
});
