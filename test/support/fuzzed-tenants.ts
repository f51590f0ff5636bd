import { expect } from 'vitest';
import type { ApiOperation, ApiRequest, KnownValues } from './api-requests.ts';
import { findCursors } from './foreign-rows.ts';
import { type Caller, startCallers } from './tenant-callers.ts';
import { OTHER, type Rows, twoTenants } from './two-tenants.ts';

/** Callers of a tenant that send anything, beside another tenant of which they must see nothing. */

export interface FuzzedTenants extends KnownValues {
  readonly callers: readonly Pick<Caller, 'name'>[];
  /** First digits of the statuses of each operation so far. */
  readonly statuses: ReadonlyMap<string, ReadonlySet<number>>;
  /** Makes new sessions and tokens: requests may have ended those before. */
  renew(): Promise<void>;
  /** Sends a request as one of the callers, and expects what holds for every response. */
  send(operation: ApiOperation, caller: number, request: ApiRequest): Promise<void>;
  /** Expects that the server works as before. */
  expectAlive(): Promise<void>;
  close(): Promise<void>;
}

/** Values of the other tenant that no request sends. */
const UNSENT =
  /foreign (text|subject|actor|job|item|member|unreachable|later|key|one|two)|foreign@|f\*+@|FOREIGN_MAILED|foreign-key-2/i;

/** The address of the own user, which only the user and those who reveal it may see. */
const ADDRESS = /own@example\.com/;

/** Longer than the windows of the limits of failed logins. */
const PAUSE_MS = 11 * 60_000;

export async function fuzzedTenants(): Promise<FuzzedTenants> {
  const both = await twoTenants();
  const known = await startCallers(both);
  const cursors = await findCursors(both);
  const statuses = new Map<string, Set<number>>();
  const unknown = { isLive: true, scopes: new Set<string>() };
  let requests = 0;
  // One for each request: what fails must not use up what an address may do.
  const nextAddress = () => {
    requests++;
    return `10.${(requests >> 16) & 255}.${(requests >> 8) & 255}.${requests & 255}`;
  };
  const list = () => [
    ...known.list,
    { name: 'nobody', headers: {}, ...unknown },
    { name: 'an unknown key', headers: { authorization: 'Bearer td_live_unknownunknownunknown' }, ...unknown },
    { name: 'a program on this machine', headers: {}, ...unknown, isLocal: true },
  ];
  const renew = async () => {
    // So that the limits of failed logins are not used up.
    both.tidings.clock.now += PAUSE_MS;
    await known.renew();
  };
  return {
    callers: list(),
    statuses,
    ids: [...idsOf(both.other), ...idsOf(both.own)],
    cursors: [...cursors.values(), 'AAAA'],
    tenants: [OTHER, 'default', 'default.test', 'unknown'],
    renew,
    async send({ name, method, path }, index, { url, body, headers }) {
      const caller = list()[index] as Caller & { readonly isLocal?: boolean };
      const all = { ...headers, ...caller.headers };
      // These two may act for every tenant.
      const isOfAll = caller.isLocal || caller.name === 'a key of the installation';
      if (isOfAll && all['x-tidings-tenant'] === OTHER) delete all['x-tidings-tenant'];
      const server = caller.isLocal ? both.server : known.server;
      if (!caller.isLocal) all['x-forwarded-for'] = nextAddress();
      // Throws unless the response is one of the document.
      const answer = await server.send(method, url, method === 'GET' ? undefined : body, all);
      const about = `${caller.name}: ${answer.status} ${JSON.stringify(answer.body)?.slice(0, 2000)}`;
      if (!path.startsWith('/healthz/')) expect(answer.status, about).toBeLessThan(500);
      const shown = `${JSON.stringify(answer.body)} ${JSON.stringify([...answer.headers])}`;
      expect(UNSENT.exec(shown)?.[0], about).toBeUndefined();
      if (!/\/(me|reveal)\b/.test(path)) expect(ADDRESS.exec(shown)?.[0], about).toBeUndefined();
      const seen = statuses.get(name) ?? new Set();
      statuses.set(name, seen.add(Math.floor(answer.status / 100)));
    },
    async expectAlive() {
      await renew();
      for (const caller of known.list) {
        const { status } = await known.server.get(caller.scopes.has('me') ? '/api/v1/me' : '/api/v1/users', {
          ...caller.headers,
          'x-forwarded-for': nextAddress(),
        });
        expect([caller.name, status]).toEqual([caller.name, 200]);
      }
    },
    async close() {
      await known.server.close();
      await both.close();
    },
  };
}

/** Returns the ids of rows, except those that the callers are made of. */
function idsOf(rows: Rows): string[] {
  const {
    token: _token,
    tenantId: _tenantId,
    keyIds,
    rejectedIds,
    accounts,
    endpointIds,
    deviceIds,
    addressIds,
    templateIds,
    batchIds,
    listIds,
    sinks,
    ...others
  } = rows;
  return [
    ...Object.values(others),
    keyIds[0],
    ...rejectedIds,
    accounts[0],
    endpointIds[0],
    deviceIds[0],
    addressIds[0],
    ...templateIds,
    batchIds[0],
    listIds[0],
    sinks[0],
  ];
}
