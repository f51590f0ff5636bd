import { RETENTION_NAMES, RETENTION_POLICY, type RetentionPeriods } from '../../src/model/retention-policy.ts';
import { Partitions } from '../../src/store/pg/partitions.ts';
import { runRetention } from '../../src/store/retention/run-retention.ts';
import { RETENTION_STEPS } from '../../src/store/retention/steps.ts';
import { uuidAt } from '../../src/time/uuid-time.ts';
import type { TestDatabase } from './database.ts';

const DAY = 86_400_000;

/** The same period for each kind of data. */
export function periodsOf(days: number): RetentionPeriods {
  return Object.fromEntries(RETENTION_NAMES.map((name) => [name, days * DAY])) as unknown as RetentionPeriods;
}

/** Rows of the table in docs/operations.md. */
export function policyRows(): string[] {
  return RETENTION_NAMES.map((name) => {
    const { setting, period, shortest, removes, keeps } = RETENTION_POLICY[name];
    return `| \`${setting}\` | ${period} | ${shortest} | ${removes} | ${keeps} |`;
  });
}

/** Rows of some age, and what a run leaves of them. */
export class RetentionRows {
  readonly #database: () => Pick<TestDatabase, 'pool'>;
  #made = 0;

  constructor(database: () => Pick<TestDatabase, 'pool'>) {
    this.#database = database;
  }

  get pool() {
    return this.#database().pool;
  }

  run(days: number, options?: Parameters<typeof runRetention>[2]) {
    return runRetention(this.pool, periodsOf(days), options);
  }

  async clear(): Promise<void> {
    await this.pool.query(`truncate event_ids, waits, limit_uses, rejected_events, audit_log, events, notifications, deliveries,
      attempts, messages, metadata`);
  }

  async names(table: string, column = 'tenant_id'): Promise<string[]> {
    const { rows } = await this.pool.query(`select ${column} as name from ${table} order by 1`);
    return rows.map(({ name }) => name);
  }

  /** Each row is named by its tenant. */
  async eventId(name: string, age: number): Promise<void> {
    await this.#insert('event_ids', {
      tenant_id: name,
      key: this.#uuid(),
      content_hash: this.#uuid(),
      user_id: 'u',
      event_time: ago(9999),
      received_at: ago(age),
    });
  }

  async rejected(name: string, age: number): Promise<void> {
    await this.#insert('rejected_events', {
      tenant_id: name,
      rejected_id: this.#uuid(),
      code: 'c',
      path: '',
      message: '',
      preview: '{}',
      sealed: Buffer.alloc(1),
      key_id: 'k',
      first_at: ago(9999),
      last_at: ago(age),
    });
  }

  async wait(
    name: string,
    { ended, due, status = 'fired' }: { ended?: number; due: number; status?: string },
  ): Promise<void> {
    await this.#insert('waits', {
      tenant_id: name,
      user_id: 'u',
      wait_id: this.#uuid(),
      rule: 'R',
      key: '',
      kind: 'delay',
      catalog_version: 1,
      status,
      trigger_time: ago(9999),
      due_at: ago(due),
      began_at: ago(9999),
      ended_at: ended === undefined ? null : ago(ended),
      state: '{}',
    });
  }

  async use(name: string, limitKey: string, bucket: string, age: number): Promise<void> {
    await this.#insert('limit_uses', {
      tenant_id: name,
      user_id: 'u',
      limit_key: limitKey,
      bucket,
      slot: 1,
      event_time: ago(age),
      event_id: 'e',
      notification_id: this.#uuid(),
    });
  }

  async audit(name: string, age: number): Promise<void> {
    await this.#insert('audit_log', {
      tenant_id: name,
      entry_id: this.#uuid(),
      at: ago(age),
      actor_kind: 'system',
      actor_id: 'a',
      actor: 'a',
      action: 'b',
      subject: 'c',
      detail: '{}',
    });
  }

  async event(name: string, age: number): Promise<void> {
    await this.#insert('events', {
      tenant_id: name,
      user_id: 'u',
      event_time: ago(age),
      key: this.#uuid(),
      event_type: 'e',
      received_at: ago(0),
      properties: '{}',
      traits: '{}',
      catalog_version: 1,
      decisions: '[]',
    });
  }

  /** A notification with its delivery, an attempt and a message. */
  async notification(name: string, age: number, isOpen = false): Promise<void> {
    const id = `${uuidAt(Date.now() - age * DAY).slice(0, 24)}${String(++this.#made).padStart(12, '0')}`;
    await this.#insert('notifications', {
      tenant_id: name,
      user_id: 'u',
      notification_id: id,
      notification_type: 'N',
      category: 'C',
      rule: 'R',
      decision_id: 'd',
      event_id: 'e',
      catalog_version: 1,
      data: '{}',
      created_at: ago(age),
    });
    await this.#insert('deliveries', {
      tenant_id: name,
      notification_id: id,
      channel: 'email',
      user_id: 'u',
      notification_type: 'N',
      status: isOpen ? 'queued' : 'dead',
      due_at: ago(age),
      retry_until: ago(age),
      in_doubt_policy: 'resend',
      created_at: ago(age),
      finished_at: isOpen ? null : ago(age),
    });
    await this.#insert('attempts', {
      tenant_id: name,
      notification_id: id,
      channel: 'email',
      attempt: 1,
      provider: 'p',
      worker: 'w',
      started_at: ago(age),
      duration_ms: 1,
      outcome: 'retry',
    });
    await this.#insert('messages', {
      tenant_id: name,
      notification_id: id,
      channel: 'email',
      rendered_at: ago(age),
      sealed: Buffer.alloc(1),
    });
  }

  /** Makes the partition of the month that was this many days ago; returns its time. */
  async month(age: number): Promise<void> {
    await new Partitions(this.pool).ensureAhead(Date.now() - age * DAY);
  }

  async #insert(table: string, row: { readonly [column: string]: unknown }): Promise<void> {
    const columns = Object.keys(row);
    await this.pool.query(
      `insert into ${table} (${columns.join(', ')}) values (${columns.map((_, index) => `$${index + 1}`).join(', ')})`,
      Object.values(row),
    );
  }

  #uuid(): string {
    return `00000000-0000-7000-8000-${String(++this.#made).padStart(12, '0')}`;
  }
}

function ago(days: number): string {
  return new Date(Date.now() - days * DAY).toISOString();
}

/** Returns the position of a run that has done everything up to and with a step. */
export function stepAfter(name: string): number {
  return RETENTION_STEPS.findIndex((step) => step.name === name) + 1;
}
