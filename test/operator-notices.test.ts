import { Writable } from 'node:stream';
import pino from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { EndpointTargets } from '../src/webhooks/endpoint-targets.ts';
import { type TestFacts, testFacts } from './support/facts.ts';
import { fakeProvider } from './support/providers.ts';

/** Notices to operators: lines of the log with a code, and nothing for users. */

let facts: TestFacts;
let lines: { readonly [field: string]: unknown }[];
beforeEach(async () => {
  facts = await testFacts();
  lines = [];
});
afterEach(() => facts.close());

async function startWorkers(): Promise<void> {
  const { seal, clock, database } = facts.tidings;
  const write = (line: Buffer, _: string, done: () => void) => {
    lines.push(JSON.parse(line.toString()));
    done();
  };
  const targets = new EndpointTargets({ pool: database.pool, seal, clock: () => clock.now, random: () => 0 });
  await facts.tidings.worker({ targets: new Map([['webhook', targets]]), log: pino(new Writable({ write })) });
  await facts.tidings.timers();
}

const listNotices = () => lines.filter(({ notice }) => notice !== undefined);

test('an endpoint that is disabled is one notice, with its tenant, and no message to anyone', async () => {
  const endpoint = await facts.endpoint({ event_types: ['order.created'] });
  endpoint.standIn.reply({ status: 410 });
  await startWorkers();
  await facts.post('order.created');
  await expect
    .poll(listNotices, { timeout: 10_000 })
    .toMatchObject([
      { notice: 'webhook.disabled', tenant_id: 'default', endpoint_id: endpoint.id, failures: 1, level: 40 },
    ]);
  const { rows } = await facts.tidings.database.pool.query('select channel from deliveries');
  expect(rows).toEqual([{ channel: 'webhook' }]);
});

test('an account that fails is one notice when its circuit opens, without address and message', async () => {
  facts.tidings.providers.set(
    'email',
    fakeProvider(() => ({ kind: 'misconfigured', reason: 'the password is wrong' })),
  );
  await startWorkers();
  await facts.post('signed_up');
  await expect
    .poll(listNotices, { timeout: 10_000 })
    .toMatchObject([{ notice: 'account.failing', provider: 'fake', domain: null, cause: 'the password is wrong' }]);
  expect(JSON.stringify(listNotices())).not.toContain('ana@example.com');
});
