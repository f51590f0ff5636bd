import type pg from 'pg';
import type { Event, Millis } from '../model/event.ts';
import type { RuleSet } from '../rules/compile/rule-set.ts';
import { listConcerns, type WaitConcern } from '../rules/waits/concerns.ts';
import { loadConcernedWaits, loadWaitVersions, type WaitPosition } from '../store/waits/concerned-waits.ts';
import { attachOpened, type Facts, noteLeftOut } from './load-facts.ts';

/** Bounds of the waits of one user beyond those that are always loaded: rows, and bytes with what is sealed. */
const MAX_CONCERNED_WAITS = 50_000;
const MAX_CONCERNED_BYTES = 64 * 1024 * 1024;

interface Sources {
  readonly connection: pg.PoolClient;
  readonly facts: Facts;
}

/**
 * Loads the open waits that these events may change, of users who have more than are always loaded; so what an event ends does not
 * depend on how many waits the user has. Up to MAX_CONCERNED_WAITS and MAX_CONCERNED_BYTES for a user; beyond, decisions say so.
 * @param activeOf returns the rules of the version that decides about a user
 * @param readRules returns the rules of a catalog version; undefined: it cannot be read
 */
export async function loadWaitsConcernedBy(
  { connection, facts }: Sources,
  activeOf: (userId: string) => RuleSet,
  readRules: (version: number) => Promise<RuleSet | undefined>,
  events: readonly Event[],
): Promise<void> {
  const { tenantId, ids, cutWaits } = facts;
  for (const [userId, { from }] of cutWaits) {
    const active = activeOf(userId);
    const own = events.filter((event) => event.userId === userId);
    const sets = [active];
    for (const version of await loadWaitVersions(connection, { tenantId, userId }, from)) {
      const rules = version === active.version ? undefined : await readRules(version);
      if (rules) sets.push(rules);
    }
    const concerns = sets.flatMap((rules) => own.flatMap((event) => listConcerns(rules, event, ids)));
    await loadWaitsOf({ connection, facts }, userId, concerns);
  }
}

/** Loads the open waits of these rules and keys of a user who has more than are always loaded. Bounded as above. */
export async function loadWaitsOf(
  { connection, facts }: Sources,
  userId: string,
  concerns: readonly WaitConcern[],
): Promise<void> {
  const cut = facts.cutWaits.get(userId);
  if (!cut) return;
  facts.cutWaits.delete(userId);
  const distinct = [...new Map(concerns.map((one) => [`${one.rule}\n${one.key === null}\n${one.key}`, one])).values()];
  if (distinct.length === 0) return;
  let [rows, bytes] = [0, 0];
  let after: WaitPosition = { dueAt: cut.from, waitId: '00000000-0000-0000-0000-000000000000' };
  for (let hasMore = true; hasMore; ) {
    if (rows >= MAX_CONCERNED_WAITS || bytes >= MAX_CONCERNED_BYTES) {
      const bound =
        rows >= MAX_CONCERNED_WAITS ? '50,000 open waits of the rules' : '64 MiB of open waits of the rules';
      noteLeftOut(facts, 'waits', [{ ...cut.leftOut, examined: cut.leftOut.examined + rows, bound }]);
      return;
    }
    const page = await loadConcernedWaits(connection, { tenantId: facts.tenantId, userId }, distinct, after);
    attachOpened(facts, page.waits);
    rows += page.waits.length;
    bytes += page.bytes;
    const last = page.waits.at(-1);
    hasMore = page.hasMore && last !== undefined;
    if (last) after = { dueAt: last.dueAt as Millis, waitId: last.waitId };
  }
}
