import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import type { Decision } from '../../src/model/decision.ts';
import type { Millis } from '../../src/model/event.ts';
import type { Wait, WaitState } from '../../src/rules/facts.ts';
import type { Connection } from '../../src/store/pg/pool.ts';
import { listWaits } from '../../src/store/waits/wait-views.ts';
import { countWaiting } from '../../src/store/waits/waiting-rules.ts';
import {
  claimDueWaits,
  createWaitLanes,
  loadNextWaitDue,
  loadUsersWaitingFor,
  loadWaits,
  loadWaitsById,
  loadWaitsOfRule,
  writeWaits,
} from '../../src/store/waits/waits.ts';
import { TENANT } from './tidings.ts';

/** Waits as they are stored, without the rules that make them. */

export const NOW = Date.parse('2025-11-20T12:00:00Z');
export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;
export const CLAIM_MS = 60_000;

export const TRIGGER: WaitState['trigger'] = {
  key: '00000000-0000-8000-8000-00000000000e',
  eventId: 'e',
  type: 'began',
  time: NOW - HOUR,
  properties: { n: 1 },
  traits: {},
};

let waitsMade = 0;

/** A new wait of user `u` in rule `A`, due in an hour, with an ID greater than those made before. */
export function createWait(values: Partial<Wait> = {}): Wait {
  return {
    waitId: uuidOf(++waitsMade),
    userId: 'u',
    rule: 'A',
    key: '',
    kind: 'delay',
    catalogVersion: 1,
    beganAt: NOW - HOUR,
    status: 'waiting',
    dueAt: NOW + HOUR,
    triggerTime: NOW - HOUR,
    state: { trigger: TRIGGER },
    endedAt: null,
    stored: 'new',
    ...values,
  };
}

/** The same wait after it has fired. */
export function firedWait(wait: Wait): Wait {
  return { ...wait, status: 'fired', endedAt: NOW, stored: 'changed' };
}

/** The decision to send that was made when the wait fired. */
export function decisionOf({ waitId }: Wait): Decision {
  return {
    decision_id: `${waitId}.0`,
    rule: 'A',
    notification_type: 'A',
    outcome: 'send',
    reason_code: 'matched',
    reason: 'Sent.',
    notification_id: uuidOf(1),
    event_ids: ['e'],
    evidence: {},
  };
}

export function uuidOf(n: number): string {
  return `00000000-0000-8000-8000-${String(n).padStart(12, '0')}`;
}

/** The IDs of the waits in order. */
export function idsOf(waits: readonly (Wait | undefined)[]): string[] {
  return waits.map((wait) => wait!.waitId).sort();
}

/** The statements of the waits table. */
export class WaitStore {
  readonly #pool: () => pg.Pool;

  constructor(pool: () => pg.Pool) {
    this.#pool = pool;
  }

  get pool(): pg.Pool {
    return this.#pool();
  }

  save(...waits: readonly Wait[]): Promise<void> {
    return this.write(waits.map((wait) => ({ wait, decisions: [] })));
  }

  /** Saves waits with the decisions that were made when they ended. */
  write(writes: Parameters<typeof writeWaits>[2], on: Connection = this.pool): Promise<void> {
    return writeWaits(on, TENANT, writes, NOW);
  }

  async load(
    userIds: string[],
    needs: Parameters<typeof loadWaits>[1]['needs'] = [],
    on: Connection = this.pool,
  ): Promise<Wait[]> {
    return [...(await loadWaits(on, { tenantId: TENANT, userIds, needs })).waits];
  }

  /** Loads these waits by their ids; returns the sizes of the texts in their triggers, and whether each may be changed. */
  async loadByIds(waits: readonly Wait[]): Promise<{ readonly chars: number; readonly isWhole: boolean }[]> {
    const loaded = await loadWaitsById(this.pool, TENANT, waits);
    const size = ({ state }: Wait) => String(state.trigger.properties.text ?? '').length;
    return [
      ...loaded.waits.map((wait) => ({ chars: size(wait), isWhole: true })),
      ...loaded.known.map((wait) => ({ chars: size(wait), isWhole: false })),
    ];
  }

  async row({ waitId }: Wait) {
    return (await this.pool.query('select * from waits where wait_id = $1', [waitId])).rows[0];
  }

  /** Claims due waits for CLAIM_MS; returns the claims of their users. */
  claim(at: Millis, limit = 10, until = at + CLAIM_MS): ReturnType<typeof claimDueWaits> {
    return claimDueWaits(this.pool, at, until, limit);
  }

  nextDue(): Promise<Millis | null> {
    return loadNextWaitDue(this.pool);
  }

  list(filter: Parameters<typeof listWaits>[2], limit = 10, before: Parameters<typeof listWaits>[4] = null) {
    return listWaits(this.pool, TENANT, filter, limit, before);
  }

  countWaiting(rules: readonly string[] = ['A', 'B']): ReturnType<typeof countWaiting> {
    return countWaiting(this.pool, TENANT, rules);
  }

  /** Stores waits of rule A, a second apart from `shift` after NOW on: of user `p 7`, or spread over `users` users. */
  async fill(count: number, users = 1, shift: Millis = 0, on: Connection = this.pool): Promise<void> {
    await on.query(
      `insert into waits (tenant_id, user_id, wait_id, rule, key, kind, catalog_version, status, trigger_time, due_at, began_at, state)
       select $1, case when $3 = 1 then 'p 7' else 'p ' || (n % $3) end, gen_random_uuid(), 'A', '', 'delay', 1, 'waiting', $4,
              $4::timestamptz + n * interval '1 second', $4, $5
       from generate_series(0, $2 - 1) as n`,
      [TENANT, count, users, new Date(NOW + shift), JSON.stringify({ trigger: TRIGGER })],
    );
  }

  /** Claims a wait of each of two tenants that have more due than one claim takes. */
  async #claimByTurns(single: pg.Pool): Promise<void> {
    await single.query(
      `with added as (insert into tenants (tenant_id, name) values ('turn-1', ''), ('turn-2', '') on conflict do nothing)
       insert into waits (tenant_id, user_id, wait_id, rule, key, kind, catalog_version, status, trigger_time, due_at, began_at, state)
       select 'turn-' || n % 2 + 1, n::text, gen_random_uuid(), 'A', '', 'delay', 1, 'waiting', $1, $1, $1, '{}' from generate_series(1, 8) as n`,
      [new Date(NOW)],
    );
    const lanes = createWaitLanes();
    await claimDueWaits(single, NOW, NOW + 1, 1, lanes);
    const claimed = await claimDueWaits(single, NOW, NOW + 1, 2, lanes);
    if (new Set(claimed.map(({ tenantId }) => tenantId)).size !== 2) throw new Error('this was no claim of two lanes');
    await single.query(`delete from waits where tenant_id like 'turn-%'`);
  }

  /** Runs each statement on the waits table once, so that the only connection of the pool has prepared it. */
  async prepareAll(single: pg.Pool): Promise<void> {
    await claimDueWaits(single, NOW, NOW, 1);
    await this.#claimByTurns(single);
    await loadNextWaitDue(single);
    await this.load(['u'], [{ userId: 'u', need: { rule: 'A', key: '' } }], single);
    await loadWaitsById(single, TENANT, [{ userId: 'u', waitId: randomUUID() }]);
    await loadWaitsOfRule(single, TENANT, 'A', ['u']);
    await loadUsersWaitingFor(single, TENANT, 'A', '', 1);
    await this.write([{ wait: createWait(), decisions: [] }], single);
  }
}
