import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { expectProblem, type TestApi, testApi } from './support/api.ts';
import { loadExample } from './support/catalog.ts';

/** Drafts of a catalog over the API: checked and tried on what is stored, and never stored. */

let api: TestApi;
let files: Record<string, string>;

beforeAll(async () => {
  api = await testApi();
  files = Object.fromEntries(await loadExample('fintech'));
  await api.tidings.apply(new Map(Object.entries(files)));
  const maria = { user_id: 'maria', event_timestamp: '2025-11-03T09:00:00Z' };
  const traits = { marketing_opt_in: true, email: 'maria.silva@example.com', first_name: 'Maria' };
  await post({ ...maria, event_id: 'signup', event_type: 'signup_completed', user_traits: traits });
  await post({
    ...maria,
    event_id: 'failed',
    event_timestamp: '2025-11-03T10:00:00Z',
    event_type: 'payment_failed',
    properties: { failure_reason: 'INSUFFICIENT_FUNDS', attempt_number: 1, recipient_id: 'maria' },
  });
  await post({
    user_id: 'joao',
    event_id: 'declined',
    event_timestamp: '2025-11-03T10:00:00Z',
    event_type: 'payment_failed',
    properties: { failure_reason: 'CARD_DECLINED', attempt_number: 2 },
  });
});
afterAll(() => api.close());

async function post(event: object): Promise<void> {
  api.tidings.clock.now += 60_000;
  expect((await api.server.post('/api/v1/events', event)).status).toBe(202);
}

/** The draft with a part of rules.yaml replaced. */
const withRules = (from: string | RegExp, to: string) => ({
  ...files,
  'rules.yaml': files['rules.yaml']!.replace(from, to),
});
const send = (path: string, body: object) => api.server.post(`/api/v1/catalog/${path}`, body);
const countVersions = async () => (await api.server.get('/api/v1/catalog/versions')).body.versions.length;
const anyReason = () =>
  withRules('when: event.failure_reason == "INSUFFICIENT_FUNDS"', 'when: event.attempt_number > 0');

test('the files of a version are returned as they were written, comments too', async () => {
  const { body } = await api.server.get('/api/v1/catalog/files');
  expect(body).toEqual({ version: body.version, active: true, source: 'api', files });
  const commented = withRules(/^/, '# A comment alone.\n');
  const before = await countVersions();
  expect((await api.server.post('/api/v1/catalog', { files: commented })).body.changed).toBe(false);
  expect((await api.server.get('/api/v1/catalog/files')).body.files).toEqual(commented);
  expect(await countVersions()).toBe(before);
  await api.server.post('/api/v1/catalog', { files });
  expectProblem(await api.server.get('/api/v1/catalog/files?version=99'), {
    status: 404,
    code: 'not_found',
    pointer: 'version',
  });
});

test('a draft is checked as on the command line: places, codes and the name that was meant; and nothing is stored', async () => {
  const before = await countVersions();
  const { status, body } = await send('check', { files: withRules('on: payment_failed', 'on: payment_faild') });
  expect(status).toBe(200);
  expect(body).toMatchObject({ ok: false, errors: 1, differences: [] });
  expect(body.problems[0]).toMatchObject({
    file: 'rules.yaml',
    line: expect.any(Number),
    column: expect.any(Number),
    severity: 'error',
    code: 'invalid',
    hint: expect.stringContaining('payment_failed'),
  });
  const valid = await send('check', { files: anyReason() });
  expect(valid.body).toMatchObject({
    ok: true,
    errors: 0,
    differences: [{ part: 'rule', name: 'INSUFFICIENT_FUNDS_EMAIL', change: 'changed' }],
  });
  expect((await send('check', { files: {} })).body.ok).toBe(false);
  expect(await countVersions()).toBe(before);
});

test('the cases of a draft are run as `tidings test` does', async () => {
  const { body } = await send('cases', { files });
  expect(body).toMatchObject({ ok: true, failed: 0, left_out: 0 });
  expect(body.passed).toBeGreaterThan(5);
  const broken = await send('cases', { files: withRules('limit: once', 'limit: 1 per day') });
  expect(broken.body.failed).toBeGreaterThan(0);
  expect(broken.body.cases.find(({ passed }: { passed: boolean }) => !passed).failures[0].message).toMatch(/expected/);
  const wrong = await send('cases', {
    files: { ...files, 'cases.yaml': 'cases: [{ name: a, events: [{ nothing: {} }] }]' },
  });
  expect(wrong).toMatchObject({ status: 422, body: { code: 'invalid_catalog' } });
  expect(wrong.body.errors[0]).toMatchObject({ pointer: '/files/cases.yaml', file: 'cases.yaml', line: 1 });
});

test('a case is made of a stored event, passes, and tells nothing of its user', async () => {
  const { body } = await send('cases/from-event', { files, user_id: 'maria', event_id: 'failed' });
  expect(body.yaml).not.toMatch(/maria|silva/i);
  const [made] = parse(body.yaml).cases;
  expect(made.events).toEqual([
    expect.objectContaining({ traits: expect.objectContaining({ email: 'user@example.com', first_name: 'Alex' }) }),
    expect.objectContaining({ payment_failed: expect.objectContaining({ recipient_id: 'u_1' }) }),
  ]);
  expect(made.expect.flatMap(Object.keys)).toEqual(
    expect.arrayContaining(['WELCOME_EMAIL', 'INSUFFICIENT_FUNDS_EMAIL']),
  );
  const run = await send('cases', { files: { ...files, 'cases.yaml': body.yaml } });
  expect(run.body).toMatchObject({ ok: true, passed: 1 });
  const unknown = await send('cases/from-event', { files, user_id: 'maria', event_id: 'none' });
  expectProblem(unknown, { status: 404, code: 'not_found', pointer: '/event_id' });
});

test('a stored event is tried with a draft, beside what was decided about it', async () => {
  const { body } = await send('try', { files: anyReason(), user_id: 'joao', event_id: 'declined' });
  const of = (steps: { decisions: { rule: string; outcome: string }[] }[]) =>
    steps.flatMap(({ decisions }) => decisions).find(({ rule }) => rule === 'INSUFFICIENT_FUNDS_EMAIL');
  expect(of(body.draft)).toMatchObject({ outcome: 'send', evidence: { condition: { result: true } } });
  expect(of(body.stored)).toMatchObject({ outcome: 'not_matched', reason_code: 'condition_false' });
});

test('an event as it is posted is tried on the history of a user, known or not, and waits end by the virtual clock', async () => {
  const waiting = withRules('limit: once', 'limit: once\n    delay: 2d');
  const event = {
    event_type: 'signup_completed',
    event_timestamp: '2026-01-05T09:00:00Z',
    user_traits: { marketing_opt_in: true },
  };
  const tried = { files: waiting, user_id: 'unknown', event };
  const now = await send('try', tried);
  expect(now.body.draft[0].decisions[0]).toMatchObject({ rule: 'WELCOME_EMAIL', outcome: 'scheduled' });
  const later = await send('try', { ...tried, until: '2026-01-08T09:00:00Z' });
  expect(later.body.draft.at(-1)).toMatchObject({ at: '2026-01-07T09:00:00.000Z', decisions: [{ outcome: 'send' }] });
  // Maria has her welcome already.
  const again = await send('try', { files, user_id: 'maria', event });
  expect(again.body.draft[0].decisions[0]).toMatchObject({ outcome: 'suppressed', reason_code: 'limit_reached' });
  const wrong = await send('try', { files, user_id: 'maria', event: { event_type: 'signup_completed' } });
  expectProblem(wrong, { status: 400, code: 'invalid_request', pointer: '/event/event_timestamp' });
  const far = await send('try', { ...tried, until: '2027-01-01T00:00:00Z' });
  expectProblem(far, { status: 400, code: 'invalid_request', pointer: '/until' });
  expect((await api.server.get('/api/v1/users/unknown')).status).toBe(404);
});

test('a backtest counts what differs, with the evidence of both sides', async () => {
  // An event at the end of the period is not in it.
  api.tidings.clock.now++;
  const since = new Date(api.tidings.clock.now - 86_400_000).toISOString();
  const { body } = await send('backtest', { files: anyReason(), since });
  expect(body).toMatchObject({
    users: 2,
    events: 3,
    reached: null,
    totals: { added: 1, removed: 0 },
    load: { busiest_hour: { live: { sends: 2 }, new: { sends: 3 } }, repeated: { live: 0, new: 0 } },
  });
  const { examples } = body.types.find(({ type }: { type: string }) => type === 'INSUFFICIENT_FUNDS_EMAIL');
  expect(examples).toEqual([
    expect.objectContaining({
      change: 'added',
      user_id: 'joao',
      live: expect.objectContaining({
        outcome: 'not_matched',
        evidence: expect.objectContaining({ condition: expect.anything() }),
      }),
      new: expect.objectContaining({
        outcome: 'send',
        evidence: expect.objectContaining({ condition: expect.anything() }),
      }),
    }),
  ]);
  const old = await send('backtest', { files, since: '2020-01-01T00:00:00Z' });
  expectProblem(old, { status: 400, code: 'invalid_request', pointer: '/since' });
});

test('a rule that acts each minute is tried within bounds', async () => {
  const eachMinute = withRules(
    /\n {2}WELCOME_EMAIL:/,
    '\n  EACH_MINUTE:\n    every: cron * * * * *\n    for: true\n    notify: WELCOME_EMAIL\n\n  WELCOME_EMAIL:',
  );
  const since = new Date(api.tidings.clock.now - 20 * 86_400_000).toISOString();
  const { body } = await send('backtest', { files: eachMinute, since, until: '9999-01-01T00:00:00Z' });
  expect(body).toMatchObject({ reached: null, until: new Date(api.tidings.clock.now).toISOString() });
  const asked = { files: eachMinute, user_id: 'maria', event_id: 'failed' };
  const { body: tried } = await send('try', {
    ...asked,
    until: new Date(api.tidings.clock.now + 3_600_000).toISOString(),
  });
  expect(tried.draft.length).toBeGreaterThan(0);
  const far = await send('try', { ...asked, until: new Date(api.tidings.clock.now + 30 * 86_400_000).toISOString() });
  expectProblem(far, { status: 400, code: 'invalid_request', pointer: '/until' });
});

const TYPE = 'INSUFFICIENT_FUNDS_EMAIL';
const render = (body: object) => send('render', { notification_type: TYPE, ...body });
/** The draft with another subject in English, a translation, and a field that nothing declares. */
const withTemplates = () => ({
  ...files,
  [`templates/${TYPE}/email.en.subject.txt`]: 'Payment {{event.attempt_number}} failed',
  [`templates/${TYPE}/email.pt.subject.txt`]: 'O pagamento falhou',
  [`templates/${TYPE}/email.pt.txt`]: 'Olá {{user.first_name}}, {{event.amuont}} https://alder.example/TODO',
});

test('messages of a draft are rendered for samples, the last event and a chosen one, each with its findings', async () => {
  const email = { channel: 'email', locale: 'en' };
  const { status, body } = await render({
    files: withTemplates(),
    cells: [
      email,
      { ...email, user_id: 'maria', last_event: true },
      { ...email, user_id: 'joao', event_id: 'declined' },
      { channel: 'email', locale: 'pt', user_id: 'maria', event_id: 'failed' },
      { ...email, user_id: 'joao', event_id: 'failed' },
      { ...email, user_id: 'unknown' },
      { ...email, variant: 'short' },
    ],
  });
  expect(status).toBe(200);
  const subjects = body.cells.map(
    ({ preview }: { preview?: { message: { subject: string } } }) => preview?.message.subject,
  );
  expect(subjects).toEqual([
    expect.stringMatching(/^Payment \d+ failed$/),
    'Payment 1 failed',
    'Payment 2 failed',
    'O pagamento falhou',
    ...[undefined, undefined, undefined],
  ]);
  const codes = body.cells.map(({ problem }: { problem?: { code: string } }) => problem?.code);
  expect(codes).toEqual([...Array(4).fill(undefined), ...Array(3).fill('not_found')]);
  const { preview } = body.cells[3];
  expect(preview.findings).toContainEqual(
    expect.objectContaining({ code: 'link', message: expect.stringContaining('placeholder') }),
  );
  expect(JSON.stringify(body)).not.toContain('maria.silva@');
  expect(body.version).toBeNull();
  expect(body.templates).toEqual([
    { channel: 'email', locale: 'en', variant: null, share: null, changed_in: null },
    { channel: 'email', locale: 'pt', variant: null, share: null, changed_in: null },
  ]);
  expect(preview.dark_html).toBeUndefined();
});

test('the fields of a type are those that its templates show, could show, or show in vain', async () => {
  const { body } = await render({ files: withTemplates(), cells: [] });
  const of = (path: string) => body.fields.find((one: { path: string }) => one.path === path);
  expect(of('event.attempt_number')).toMatchObject({ type: 'number', state: 'used', shown_by: ['email en'] });
  expect(of('event.failure_reason')).toMatchObject({ state: 'unused', shown_by: [] });
  expect(of('event.amuont')).toMatchObject({
    type: null,
    state: 'missing',
    shown_by: ['email pt'],
    problem: expect.stringContaining('did you mean'),
  });
});

test('a version is rendered as it is, active or earlier, and a draft with an error is not', async () => {
  const email = { channel: 'email', locale: 'en' };
  const { version } = (await api.server.get('/api/v1/catalog/files')).body;
  const active = (await render({ cells: [email], dark: true })).body;
  expect(active).toMatchObject({ version, cells: [{ preview: { message: { subject: expect.any(String) } } }] });
  expect(active.cells[0].preview.dark_html).toContain('<html');
  expect((await render({ version: 1, cells: [email] })).body.version).toBe(1);
  expectProblem(await render({ version: 999, cells: [email] }), {
    status: 404,
    code: 'not_found',
    pointer: '/version',
  });
  expectProblem(await send('render', { notification_type: 'NONE', cells: [email] }), {
    status: 422,
    code: 'unknown_type',
    pointer: '/notification_type',
  });
  const path = `templates/${TYPE}/email.en.txt`;
  const wrong = await render({ files: { ...files, [path]: 'Hello\n{{event.amount' }, cells: [email] });
  expect(wrong).toMatchObject({ status: 422, body: { code: 'invalid_catalog' } });
  expect(wrong.body.errors[0]).toMatchObject({ file: path, line: 2 });
  expect((await render({ cells: Array(25).fill(email) })).status).toBe(400);
});

test('a translation is older than its original if only the original changed since', async () => {
  const translated = {
    ...files,
    [`templates/${TYPE}/email.pt.subject.txt`]: 'O pagamento falhou',
    [`templates/${TYPE}/email.pt.txt`]: 'Olá.',
  };
  const apply = async (applied: object) => (await api.server.post('/api/v1/catalog', { files: applied })).body.version;
  const first = await apply(translated);
  const second = await apply({ ...translated, [`templates/${TYPE}/email.en.subject.txt`]: 'Another subject' });
  const { templates } = (await render({ cells: [], changes: true })).body;
  expect(templates.map(({ locale, changed_in: version }: Record<string, unknown>) => [locale, version])).toEqual([
    ['en', second],
    ['pt', first],
  ]);
  await apply(files);
});

test('only those who may change the catalog and see decisions try a draft', async () => {
  const key = async (scopes: string[]) => {
    const { body } = await api.server.post('/api/v1/keys', { name: scopes.join(), scopes });
    return { authorization: `Bearer ${body.key}` };
  };
  const reader = await key(['catalog:read', 'decisions:read']);
  const author = await key(['catalog:read', 'catalog:write']);
  const body = { files, user_id: 'maria', event_id: 'failed' };
  const statusOf = async (path: string, headers: Record<string, string>) =>
    (await api.server.send('POST', `/api/v1/catalog/${path}`, path === 'check' ? { files } : body, headers)).status;
  expect((await api.server.get('/api/v1/catalog/files', reader)).status).toBe(200);
  expect([await statusOf('check', reader), await statusOf('try', reader)]).toEqual([403, 403]);
  expect([await statusOf('check', author), await statusOf('try', author)]).toEqual([200, 403]);
  const support = await key(['messages:read']);
  const rendered = { notification_type: TYPE, cells: [] };
  const renderedBy = async (headers: Record<string, string>, of: object) =>
    (await api.server.send('POST', '/api/v1/catalog/render', { ...rendered, ...of }, headers)).status;
  expect(await Promise.all([{}, { files }].map((of) => renderedBy(support, of)))).toEqual([200, 403]);
  expect(await renderedBy(author, { files })).toBe(403);
});

test('a user whose events are deleted is tried with what is known of the user', async () => {
  await api.tidings.database.pool.query("delete from events where user_id = 'maria'");
  const event = {
    event_type: 'signup_completed',
    event_timestamp: '2026-01-05T09:00:00Z',
    user_traits: { marketing_opt_in: true },
  };
  const { body } = await send('try', { files, user_id: 'maria', event });
  expect(body.draft[0].decisions[0]).toMatchObject({ outcome: 'suppressed', reason_code: 'limit_reached' });
});
