import { expect } from 'vitest';
import type { Answer } from './http.ts';
import { call, listOperations, type Operation } from './tenant-operations.ts';
import { OTHER, type TwoTenants } from './two-tenants.ts';

/** Ids and cursors of another tenant: to a caller, they do not exist. */

/** Operations on names that callers choose. They treat one of another tenant as any that is not used yet. */
const OF_NAMES =
  /^(GET .*\/(audit|explain)\/\{user_id\}.*|POST .*\/users\/\{user_id\}\/tokens|\w+ .*\/users\/\{user_id\}\/(devices(\/apns|\/fcm)?|inbox(\/\{mark\})?|consents|preferences|products)|POST .*\/me\/inbox\/\{mark\}|PUT .*\/(issuers\/\{issuer\}|connectors\/\{connector\}\/secrets))$/;

/** Operations that make a user of the own tenant, who may have the same id as one of another: tenant-isolation.test.ts. */
const MAKING = /^(PUT|PATCH) .*\/users\/\{user_id\}$/;

/** Expects that an operation with ids of the other tenant is answered as if there were no such rows. */
export async function expectUnknown(
  operation: Operation,
  send: (operation: Operation) => Promise<Answer>,
  about = '',
): Promise<void> {
  const name = `${about} ${operation.name}`;
  if (MAKING.test(operation.name)) return;
  const answer = await send(operation);
  if (!OF_NAMES.test(operation.name)) {
    expect([name, answer.status, answer.body.code]).toEqual([name, 404, 'not_found']);
    return;
  }
  const path = replaceWord(operation.path);
  const unknown = await send({ ...operation, path });
  expect([name, answer.status]).toEqual([name, unknown.status]);
  expect(answer.status, name).toBeLessThan(500);
  // A device that was registered for the one moved to the other, and what was marked first is marked then.
  const { request_id: _, token, device_id, devices, marked, ...expected } = unknown.body;
  expect(JSON.stringify(answer.body), name).not.toMatch(/foreign (app|type|text|token)/);
  expect(JSON.parse(replaceWord(JSON.stringify(answer.body))), name).toMatchObject(expected);
}

function replaceWord(text: string): string {
  return text.replaceAll('foreign', 'nobody').replaceAll('FOREIGN', 'NOBODY');
}

/** Returns a cursor of each list of the other tenant that has more than one page, by the name of its operation. */
export async function findCursors(both: TwoTenants): Promise<ReadonlyMap<string, string>> {
  const cursors = new Map<string, string>();
  for (const operation of await listOperations(both.server, both.other)) {
    if (!operation.parameters.has('after')) continue;
    const { body } = await call(both, withQuery(operation, { limit: '1' }), { 'x-tidings-tenant': OTHER });
    if (body.next) cursors.set(operation.name, body.next);
  }
  return cursors;
}

export function withQuery(operation: Operation, values: { readonly [name: string]: string }): Operation {
  const url = new URL(operation.path, 'http://localhost');
  for (const [name, value] of Object.entries(values)) url.searchParams.set(name, value);
  return { ...operation, path: url.pathname + url.search };
}
