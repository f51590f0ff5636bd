import { afterAll, expect } from 'vitest';
import type { Provider } from '../../src/channels/provider.ts';
import { checkDeadLetters } from '../../src/health/work-checks.ts';
import { type DeliveryTidings, useDeliveries } from './deliveries.ts';
import { type TestServer, testServer } from './http.ts';

/** Dead letters over the API, of deliveries whose providers answer as each test sets. */
export interface LetterTidings extends DeliveryTidings {
  readonly server: TestServer;
  /** Lists the groups. */
  // biome-ignore lint/suspicious/noExplicitAny: groups as the API answers them; tests look into them
  groups(query?: string): Promise<any[]>;
  /** Runs a job over a group to its end; returns it. */
  // biome-ignore lint/suspicious/noExplicitAny: likewise
  runJob(action: 'dead_letters.retry' | 'dead_letters.cancel' | 'dead_letters.suppress', filter: object): Promise<any>;
  /** Runs the check of health. */
  health(): Promise<{ status: string; cause?: string }>;
}

/** Prepares the tests of a file: call it once, at its top. */
export function useDeadLetters(): (
  providers: {
    readonly [channel in 'email' | 'sms']?: Provider;
  },
) => Promise<LetterTidings> {
  const start = useDeliveries();
  let server: TestServer | undefined;
  let shared: LetterTidings | undefined;
  afterAll(async () => {
    await server?.close();
  });
  return async (providers) => {
    const tidings = await start(providers);
    await tidings.stopJobs();
    server ??= await testServer(tidings);
    const api = server;
    shared ??= Object.assign(tidings, {
      server: api,
      async groups(query = '') {
        const { status, body } = await api.get(`/api/v1/dead-letters${query}`);
        expect(body).toHaveProperty('groups');
        expect(status).toBe(200);
        return body.groups;
      },
      async runJob(action: string, filter: object) {
        const { body } = await api.post('/api/v1/jobs', { action, filter });
        if (body.job_id === undefined) return body;
        tidings.jobs();
        for (;;) {
          const job = (await api.get(`/api/v1/jobs/${body.job_id}`)).body;
          if (job.ended_at !== null) return job;
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      },
      health: async () => checkDeadLetters(tidings.pool).run(),
    });
    return shared;
  };
}
