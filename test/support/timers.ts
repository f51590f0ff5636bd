import { afterEach, expect } from 'vitest';
import { sandboxProvider } from '../../src/channels/sandbox.ts';
import type { Decision } from '../../src/model/decision.ts';
import type { Millis } from '../../src/model/event.ts';
import { unpackDecisions } from '../../src/store/decisions.ts';
import { type TestTidings, testTidings } from './tidings.ts';

/** The pipeline and its timers on a database, by a clock that the tests set. */

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** Rules under test: their tidings, with what the tests of timers read of it. */
export interface TimedTidings extends TestTidings {
  /** Applies other rules. */
  applyRules(rules: string): Promise<number>;
  /** Posts events of now, if they do not have `ago`, in one request. Returns the decisions on each. */
  post(...events: PostedEvent[]): Promise<(readonly Decision[])[]>;
  /** Waits that have fired, in order of due time. */
  fired(): Promise<{ user: string; due: Millis; decisions: Decision[] }[]>;
  /** All notifications, in order of user and type. */
  notifications(): Promise<{ user: string; type: string; version: number }[]>;
  /** The users with a notification of the type, in order. */
  sentTo(type: string): Promise<string[]>;
  countOpenWaits(): Promise<number>;
  count(table: string, where?: string): Promise<number>;
  rows(sql: string): Promise<Record<string, unknown>[]>;
  /** The comparison of a backtest of the past against itself. */
  reproduced(since: Millis): Promise<Awaited<ReturnType<TestTidings['backtest']>>['reproduced']>;
}

export interface PostedEvent {
  readonly user: string;
  readonly type: string;
  /** Age of the event in ms. */
  readonly ago?: Millis;
  readonly properties?: { readonly [name: string]: unknown };
  readonly traits?: { readonly [name: string]: unknown };
}

/** Prepares the tests of a file: call it once, at its top. Each test starts its own tidings, which is closed after it. */
export function useTimedTidings(): (rules: string) => Promise<TimedTidings> {
  const started: TestTidings[] = [];
  afterEach(async () => {
    for (const tidings of started.splice(0)) await tidings.close();
  });
  return async (rules) => {
    const tidings = await testTidings({ in_app: sandboxProvider(['in_app']) }, catalogWith(rules));
    started.push(tidings);
    return timed(tidings);
  };
}

/** A catalog with these rules. Notification types are those that rules name, and the names of the rules. */
export function catalogWith(rules: string): Map<string, string> {
  const names = new Set(
    [...rules.matchAll(/^ *([A-Z_]+):/gm), ...rules.matchAll(/notify: ([A-Z]+)/g)].map((m) => m[1]),
  );
  const types = [...names].map((name) => `  ${name}: { category: SYSTEM, channels: [in_app] }`);
  return new Map([
    [
      'events.yaml',
      'events: { began: { properties: { n: integer } }, ended: {}, reached: { properties: { n: integer } } }\ntraits: { level: string, rank: integer, time_zone: string }\n',
    ],
    ['notifications.yaml', `notifications:\n${types.join('\n')}\n`],
    ['rules.yaml', `rules:\n  ${rules}\n`],
    ...[...names].map((name): [string, string] => [`templates/${name}/in_app.en.txt`, String(name)]),
  ]);
}

/** User IDs in the order of `n`. */
export function userId(n: number): string {
  return `p ${String(n).padStart(5, '0')}`;
}

function timed(tidings: TestTidings): TimedTidings {
  const { clock } = tidings;
  const rows: TimedTidings['rows'] = async (sql) => (await tidings.database.pool.query(sql)).rows;
  const notifications: TimedTidings['notifications'] = async () =>
    (await rows(
      'select user_id as user, notification_type as type, catalog_version as version from notifications order by 1, 2',
    )) as Awaited<ReturnType<TimedTidings['notifications']>>;
  const count: TimedTidings['count'] = async (table, where = 'true') =>
    (await rows(`select count(*) as n from ${table} where ${where}`))[0]?.n as number;
  return Object.assign(tidings, {
    applyRules: (rules: string) => tidings.apply(catalogWith(rules)),
    async post(...events: PostedEvent[]) {
      const items = events.map(({ user, type, ago = 0, properties = {}, traits = {} }, n) => ({
        event_id: `${user} ${type} ${clock.now} ${n}`,
        user_id: user,
        event_type: type,
        event_timestamp: new Date(clock.now - ago).toISOString(),
        properties,
        user_traits: traits,
      }));
      const results = await tidings.ingest(items);
      expect(new Set(results.map(({ status }) => status))).toEqual(new Set(['accepted']));
      return results.map(({ decisions }) => decisions);
    },
    async fired() {
      const found = await rows(
        `select user_id, wait_id, due_at, decisions from waits where status = 'fired' order by due_at, user_id`,
      );
      return found.map((row) => ({
        user: String(row.user_id),
        due: Number(row.due_at),
        decisions: unpackDecisions(row.decisions as never, String(row.wait_id), ''),
      }));
    },
    notifications,
    sentTo: async (type: string) => (await notifications()).filter((one) => one.type === type).map(({ user }) => user),
    countOpenWaits: () => count('waits', `status = 'waiting'`),
    count,
    rows,
    reproduced: async (since: Millis) => (await tidings.backtest(since)).reproduced,
  });
}
