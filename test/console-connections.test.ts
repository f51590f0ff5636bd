import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findViolations } from './support/axe.ts';
import { loadExample } from './support/catalog.ts';
import { connectorsYaml, setSecrets, withConnectors } from './support/connectors.ts';
import { hasBrowser, useConsole } from './support/console.ts';
import { type TestServer, testServer } from './support/http.ts';
import { LENDER_SECRETS } from './support/stand-ins/lender.ts';

const TOPIC = 'prd.default.account-opening.avant-basic.event-publisher.product-status';

describe.skipIf(!hasBrowser)('the page of connections', () => {
  const app = useConsole();
  /** A server that has Kafka. */
  let server: TestServer;

  beforeAll(async () => {
    server = await testServer(app.tidings, { kafka: { settings: { allowed: [] }, tenant: 'default' } });
  });
  afterAll(() => server?.close());

  test('says what is missing in a catalog without sources, sinks and connectors', async () => {
    const { page } = await app.visit('console/channels');
    await page.getByRole('link', { name: 'Connections', exact: true }).click();
    for (const table of ['sources', 'sinks', 'connectors']) await page.getByTestId(`${table}-empty`).waitFor();
    await page.getByText('No tasks', { exact: true }).waitFor();
  });

  async function prepare(): Promise<void> {
    const { pool } = app.tidings;
    await app.tidings.apply(withConnectors(await loadExample('lending'), connectorsYaml('https://core.example.com')));
    await setSecrets(server);
    await pool.query(
      `insert into kafka_offsets (tenant_id, topic, partition, topic_id, next_offset, end_offset, seen_at)
       values ('default', $1, 0, 't', 100, 1100, now()), ('default', $1, 1, 't', 40, 274, now())`,
      [TOPIC],
    );
    const failed = [
      ['customer_import', 'status_404', 'dead'],
      ['customer_import', 'status_404', 'dead'],
      ['customer_import', 'timed_out', 'open'],
      ['card_network', 'card_status_I', 'dead'],
      ['customer_import', null, 'done'],
    ].map(([connector, code, state], n) => ({ connector, code, state, id: randomUUID(), n }));
    await pool.query(
      `insert into connector_tasks (tenant_id, task_id, connector, kind, user_id, product_id, state, attempts, failure_code, failure,
         created_at, due_at, ended_at)
       select 'default', id, connector, case connector when 'card_network' then 'card-registration' else 'customer-import' end,
         'customer ' || n, case connector when 'card_network' then 'product 1' end, state, 2, code, 'It failed.',
         now() + n * interval '1 second', now() + interval '1 hour', case state when 'open' then null else $2::timestamptz end
       from json_to_recordset($1) as t(id uuid, connector text, code text, state text, n int)`,
      [JSON.stringify(failed), new Date(app.tidings.clock.now).toISOString()],
    );
  }

  test('shows how far sources are read, and pauses and resumes them', async () => {
    await prepare();
    const { page } = await app.visit('console/channels/connections', {}, undefined, server.url);
    const row = page.getByTestId('sources-row').filter({ hasText: 'product_status' });
    await row.waitFor();
    expect(await row.innerText()).toContain('1,234');
    expect(await row.getByTestId('source-state').innerText()).toBe('Read');
    await row.getByTestId('partitions').click();
    await row.getByText('1: 234 wait (at 40 of 274').waitFor();
    await row.getByTestId('pause-source').click();
    await page.getByText('its messages wait in Kafka').waitFor();
    expect(await findViolations(page)).toEqual([]);
    await page.getByTestId('confirm').click();
    await row.getByTestId('source-state').getByText('Paused').waitFor();
    await row.getByTestId('pause-source').click();
    await page.getByTestId('confirm').click();
    await row.getByTestId('source-state').getByText('Read').waitFor();
  });

  test('shows what waits for sinks and was set aside, retries it, and pauses and resumes them', async () => {
    const { pool } = app.tidings;
    const example = withConnectors(await loadExample('lending'), connectorsYaml('https://core.example.com'));
    const sinks = 'sinks: { outcomes: { topic: lender.outcomes, event_types: [notification.*] } }';
    await app.tidings.apply(new Map([...example, ['sinks.yaml', sinks]]));
    await pool.query(
      `insert into kafka_topics (tenant_id, topic, waiting, parked, oldest_at, measured_at)
       values ('default', 'lender.outcomes', 1234, 1, now(), now()), ('default', 'lender.before', 2, 0, now(), now())`,
    );
    await pool.query(
      `insert into kafka_outbox (tenant_id, message_id, topic, kind, user_id, type, event_id, at, data, bytes, created_at, parked_at,
         parked_code)
       values ('default', gen_random_uuid(), 'lender.outcomes', 'fact', 'maria', 'notification.delivered', 'e1', now(), '{}', 5000, now(),
         now(), 'too_large')`,
    );
    const { page } = await app.visit('console/channels/connections', {}, undefined, server.url);
    const row = page.getByTestId('sinks-row').filter({ hasText: 'lender.outcomes' });
    await row.waitFor();
    expect(await row.innerText()).toContain('1,234');
    await row.getByTestId('parked').click();
    await row.getByText('too_large: notification.delivered e1 of maria (5,000 bytes)').waitFor();
    expect(await findViolations(page)).toEqual([]);
    await row.getByTestId('retry-parked').click();
    await page.getByTestId('confirm').click();
    await page.getByText('Sent once more: 1 message of outcomes.').waitFor();
    expect((await pool.query('select parked_at from kafka_outbox')).rows).toEqual([{ parked_at: null }]);
    await row.getByTestId('pause-sink').click();
    await page.getByTestId('confirm').click();
    await row.getByTestId('sink-state').getByText('Paused').waitFor();
    await row.getByTestId('pause-sink').click();
    await page.getByTestId('confirm').click();
    await row.getByTestId('sink-state').getByText('Opening').waitFor();
    const former = page.getByTestId('sinks-row').filter({ hasText: 'lender.before' });
    await former.getByText('No longer in the catalog').waitFor();
    await former.getByTestId('discard-former').click();
    await page.getByText('All that waits for the topic lender.before is deleted').waitFor();
  });

  test('shows the tasks of connectors by reason, retries one and all, and shows no secret', async () => {
    const { page } = await app.visit('console/channels/connections', {}, undefined, server.url);
    const connector = page.getByTestId('connectors-row').filter({ hasText: 'customer_import' });
    await connector.waitFor();
    expect(await connector.innerText()).toMatch(/shared_key[\s\S]*1 waiting[\s\S]*2 failed[\s\S]*status_404: 2 failed/);
    const tasks = page.getByTestId('tasks-row');
    await expect.poll(() => tasks.count()).toBe(5);
    expect(await findViolations(page)).toEqual([]);
    const text = await page.locator('body').innerText();
    for (const secret of [LENDER_SECRETS.shared_key, LENDER_SECRETS.password]) expect(text).not.toContain(secret);

    await connector.getByRole('link', { name: 'status_404' }).click();
    await expect.poll(() => tasks.count()).toBe(2);
    await tasks.first().getByTestId('retry-task').click();
    await page.getByTestId('announcements').getByText('Run again: customer_import').waitFor();
    await tasks.first().getByTestId('task-state').getByText('Waiting').waitFor();
    await page.getByRole('link', { name: 'Of all connectors' }).click();
    await expect.poll(() => tasks.count()).toBe(5);
    await page.getByTestId('retry-all-tasks').click();
    await page.getByTestId('confirm').click();
    await page.getByTestId('announcements').getByText('2 tasks are run again.').waitFor();
    await page.getByRole('navigation', { name: 'State of tasks' }).getByRole('link', { name: 'Failed' }).click();
    await page.getByText('No tasks', { exact: true }).waitFor();
    const { entries } = (await server.get('/api/v1/audit-log?limit=20')).body;
    expect(JSON.stringify(entries)).toMatch(/connector_tasks\.retried/);
  });

  test('links to the rejected events of a source', async () => {
    const event = { event_type: 'product_status_changed', user_id: 'paula', event_timestamp: 'yesterday' };
    for (const name of ['a', 'b']) await server.post('/api/v1/events', { ...event, event_id: name });
    await app.tidings.pool.query(
      `update rejected_events set source = 'product_status', position = $1 where event_id = 'a'`,
      [JSON.stringify({ topic: TOPIC, partition: 0, offset: '7' })],
    );
    const { page } = await app.visit('console/channels/connections', {}, undefined, server.url);
    await page.getByRole('link', { name: 'Rejected events of product_status' }).click();
    const rows = page.getByTestId('rejected-row');
    await expect.poll(() => rows.count()).toBe(1);
    await page.getByText(`from product_status: ${TOPIC}, partition 0, offset 7`).waitFor();
    expect(await findViolations(page)).toEqual([]);
    await page.getByRole('navigation', { name: 'Source' }).getByRole('link', { name: 'All' }).click();
    await expect.poll(() => rows.count()).toBe(2);
  });

  test.each(['light', 'dark'] as const)(
    'has the width of a telephone, and nothing that axe finds: %s',
    async (colorScheme) => {
      const viewport = { width: 390, height: 844 };
      const { page } = await app.visit(
        'console/channels/connections',
        { colorScheme, viewport },
        undefined,
        server.url,
      );
      await page.getByTestId('sources-row').first().waitFor();
      await page.getByTestId('connectors-row').first().waitFor();
      await page.getByTestId('tasks-row').first().waitFor();
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(390);
      expect(await findViolations(page)).toEqual([]);
    },
  );
});
