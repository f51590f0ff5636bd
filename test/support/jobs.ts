import { afterAll, beforeAll, expect } from 'vitest';
import { type TestServer, testServer } from './http.ts';
import { type TestTidings, testTidings } from './tidings.ts';

/** Jobs over the API, on deliveries that stopped for want of an address. */

const JOB_CATALOG = new Map([
  ['events.yaml', 'events: { mail: {}, text: {}, later: {}, amount_paid: { properties: { amount: number } } }'],
  [
    'notifications.yaml',
    `notifications:
  MAIL: { category: TRANSACTIONAL, channels: [email], give_up_after: 1h }
  TEXT: { category: TRANSACTIONAL, channels: [sms] }
  LATER: { category: TRANSACTIONAL, channels: [email] }`,
  ],
  ['rules.yaml', 'rules: { MAIL: { on: mail }, TEXT: { on: text }, LATER: { on: later, delay: 1h, notify: LATER } }'],
  ['templates/MAIL/email.en.subject.txt', 'Mail'],
  ['templates/MAIL/email.en.txt', 'Mail'],
  ['templates/LATER/email.en.subject.txt', 'Later'],
  ['templates/LATER/email.en.txt', 'Later'],
  ['templates/TEXT/sms.en.txt', 'Text'],
]);

let eventsMade = 0;

export interface JobTidings extends TestTidings {
  readonly server: TestServer;
  /** Posts an event of each of these users; returns the ids of their deliveries. */
  post(type: 'mail' | 'text' | 'later', userIds: readonly string[]): Promise<string[]>;
  /** Ends all open deliveries as a worker does. */
  force(status: 'dead' | 'undeliverable' | 'in_doubt', where?: string): Promise<void>;
  /** Counts deliveries by status. */
  countByStatus(): Promise<{ [status: string]: number }>;
  /** Starts a job over the API; returns its id. */
  startJob(body: object, headers?: Record<string, string>): Promise<string>;
  /** Waits until the job has ended; returns it. */
  // biome-ignore lint/suspicious/noExplicitAny: a job as the API answers it; tests look into it
  ended(id: string): Promise<any>;
  auditActions(subject: string): Promise<string[]>;
}

/** Prepares the tests of a file: call it once, at its top. Each test starts without deliveries, events and jobs. */
export function useJobs(): () => Promise<JobTidings> {
  let shared: JobTidings;
  beforeAll(async () => {
    const tidings = await testTidings({}, JOB_CATALOG);
    shared = withJobs(tidings, await testServer(tidings));
  });
  afterAll(async () => {
    await shared.server.close();
    await shared.close();
  });
  return async () => {
    await shared.stopJobs();
    shared.clock.now = Date.parse('2025-11-20T12:00:00Z');
    await shared.pool.query(
      'truncate events, event_ids, users, addresses, notifications, deliveries, attempts, waits, rejected_events, jobs, job_failures, audit_log',
    );
    return shared;
  };
}

function withJobs(tidings: TestTidings, server: TestServer): JobTidings {
  const { pool } = tidings.database;
  return Object.assign(tidings, {
    server,
    async post(type: string, userIds: readonly string[]) {
      const events = userIds.map((user_id) => ({
        event_id: `job event ${eventsMade++}`,
        user_id,
        event_type: type,
        event_timestamp: '2025-11-20T11:59:00Z',
      }));
      const ids: string[] = [];
      for (let i = 0; i < events.length; i += 1000) {
        for (const { decisions } of await tidings.ingest(events.slice(i, i + 1000))) {
          ids.push(`${decisions[0]?.notification_id}.${type === 'text' ? 'sms' : 'email'}`);
        }
      }
      return ids;
    },
    async force(status: string, where = 'true') {
      await pool.query(
        `update deliveries set status = $1, finished_at = now(), attempts = 1,
           reason_code = case $1 when 'undeliverable' then 'missing_email' when 'dead' then 'rejected' else 'in_doubt' end
         where finished_at is null and ${where}`,
        [status],
      );
    },
    async countByStatus() {
      const { rows } = await pool.query('select status, count(*) as n from deliveries group by status order by status');
      return Object.fromEntries(rows.map(({ status, n }) => [status, n]));
    },
    async startJob(body: object, headers = {}) {
      const answer = await server.post('/api/v1/jobs', body, headers);
      expect(answer.body).toMatchObject({ job_id: expect.any(String) });
      expect(answer.status).toBe(202);
      return answer.body.job_id;
    },
    async ended(id: string) {
      await expect
        .poll(async () => (await server.get(`/api/v1/jobs/${id}`)).body.ended_at, { timeout: 20_000 })
        .not.toBeNull();
      return (await server.get(`/api/v1/jobs/${id}`)).body;
    },
    async auditActions(subject: string) {
      const { rows } = await pool.query('select action from audit_log where subject = $1 order by entry_id', [subject]);
      return rows.map(({ action }) => action);
    },
  });
}
