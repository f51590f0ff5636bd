import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sandboxProvider } from '../src/channels/sandbox.ts';
import { CHANNELS } from '../src/model/delivery.ts';
import { loadExample, parseCatalog } from './support/catalog.ts';
import { runCommand } from './support/cli.ts';
import { type TestServer, testServer } from './support/http.ts';
import { codeBlocks } from './support/markdown.ts';
import { type TestTidings, testTidings } from './support/tidings.ts';

/** The calls and commands of docs/booking.md, with the example catalog `booking`. */

let tidings: TestTidings;
let server: TestServer;
const { TIDINGS_URL } = process.env;

beforeAll(async () => {
  const sandbox = sandboxProvider(CHANNELS);
  tidings = await testTidings(Object.fromEntries(CHANNELS.map((channel) => [channel, sandbox])));
  await tidings.apply(await loadExample('booking'));
  server = await testServer(tidings);
  process.env.TIDINGS_URL = server.url;
  const users = [
    { user_id: '1', traits: { email: 'ana@example.com', role: 'client', locale: 'es', time_zone: 'Europe/Madrid' } },
    { user_id: '2', traits: { email: 'rui@example.com', role: 'practitioner' } },
    { user_id: '3', traits: { email: 'eva@example.com' } },
  ];
  const { status } = await server.post('/api/v1/users/bulk', { users });
  expect(status).toBe(200);
}, 180_000);

afterAll(async () => {
  if (TIDINGS_URL === undefined) delete process.env.TIDINGS_URL;
  else process.env.TIDINGS_URL = TIDINGS_URL;
  await server?.close();
  await tidings?.close();
});

test('a test notification is sent by the name of the old command, to the side that the user is on', async () => {
  const sent = await runCommand('send-test-notification', '--user-id=1', '--type=welcome', '--json');
  expect(sent.exitCode, sent.text).toBe(0);
  expect(JSON.parse(sent.text)).toMatchObject({ type: 'CLIENT_WELCOME', result: { state: 'accepted' } });
  const other = await runCommand('send-test-notification', '--user-id=2', '--type=welcome');
  expect(other.text).toContain('PRACTITIONER_WELCOME');
  await tidings.worker();
  const path = `/api/v1/deliveries/${JSON.parse(sent.text).result.notification_id}.email/message`;
  await expect.poll(async () => (await server.get(path)).status, { timeout: 60_000 }).toBe(200);
  const { body } = await server.get(path);
  expect(body).toMatchObject({ locale: 'es', subject: 'Te damos la bienvenida a Willow' });
  expect(body.text).toContain('https://willow.example/explore');
});

test('a name that several types end with, and one that no type has, are errors that say what to write', async () => {
  const several = await runCommand('send-test-notification', '--user-id=3', '--type=welcome');
  expect([several.exitCode, several.errors]).toEqual([
    1,
    expect.stringContaining('welcome may be CLIENT_WELCOME or PRACTITIONER_WELCOME'),
  ]);
  const unknown = await runCommand('send-test-notification', '--user-id=1', '--type=CLIENT_WELCOM');
  expect([unknown.exitCode, unknown.errors]).toEqual([1, expect.stringContaining('CLIENT_WELCOME')]);
});

test('preferences need no setting up', async () => {
  const all = await runCommand('setup-notification-preferences');
  expect([all.exitCode, all.text]).toEqual([0, expect.stringMatching(/^Nothing has to be set up: .* 26 notification/)]);
  const one = await runCommand('setup-notification-preferences', '--user-id', '1', '--json');
  const { created, types } = JSON.parse(one.text);
  expect([created, types.length]).toEqual([0, 26]);
});

test('the requests of the page do what it says', async () => {
  const page = await readFile(new URL('../docs/booking.md', import.meta.url), 'utf8');
  const requests = codeBlocks(page).filter(({ language }) => language === 'http');
  expect(requests).toHaveLength(2);
  const [confirmation, schedule] = requests.map(({ text }) => {
    const [, path = ''] = /^POST (\S+)/.exec(text) ?? [];
    return { path, body: JSON.parse(text.slice(text.indexOf('\n\n'))) };
  }) as [{ path: string; body: object }, { path: string; body: object }];
  tidings.clock.now = Date.parse('2026-11-05T12:00:01Z');
  const posted = await server.post(confirmation.path, confirmation.body);
  expect(posted.body.rejected).toEqual([]);
  const rules = posted.body.results.flatMap(({ decisions }: { decisions: { rule: string; outcome: string }[] }) =>
    decisions.filter(({ outcome }) => outcome === 'send').map(({ rule }) => rule),
  );
  expect(rules).toEqual(['CLIENT_BOOKING_CONFIRMED', 'PRACTITIONER_NEW_BOOKING']);
  const asked = await server.post(`${schedule.path}?dry_run=true`, schedule.body);
  expect(asked.body).toMatchObject({ dry_run: true, results: [{ state: 'scheduled' }] });
  const scheduled = await server.post(schedule.path, schedule.body);
  expect(scheduled.body.results).toMatchObject([{ state: 'scheduled', due_at: '2026-11-09T15:00:00.000Z' }]);
});

test('the page names every type of the example', async () => {
  const page = await readFile(new URL('../docs/booking.md', import.meta.url), 'utf8');
  const { notifications } = await parseCatalog(await loadExample('booking'));
  expect(notifications.map(({ name }) => name).filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
});
