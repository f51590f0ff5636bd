import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { expectProblem } from './support/api.ts';
import { TEMPLATE_CATALOG, type TemplateApi, templateApi, WELCOME } from './support/stored-templates.ts';

/** Templates that are made over the API: drafts, versions, activations, and what messages show. */

let api: TemplateApi;

beforeAll(async () => {
  api = await templateApi();
});

afterAll(() => api.close());

beforeEach(async () => {
  await api.tidings.database.pool.query(
    'delete from template_activations; delete from template_versions; delete from templates;',
  );
  await api.tidings.apply(new Map(Object.entries(TEMPLATE_CATALOG)));
  await api.setSource('api');
});

test('writes are rejected for a tenant whose templates are files, and a message is as the file says', async () => {
  await api.setSource('files');
  expectProblem(await api.post('', WELCOME), { status: 409, code: 'managed_by_files' });
  expect((await api.get('')).body).toEqual({ templates: [], next: null });
  expect(await api.mail('files')).toMatchObject({ subject: 'Hello of the file' });
});

test('a draft changes no message; its activation does, and the message says which version it is', async () => {
  const made = await api.post('', WELCOME);
  expect(made).toMatchObject({
    status: 201,
    body: {
      name: 'CLIENT_WELCOME',
      type: 'WELCOME',
      category: 'TRANSACTIONAL',
      locale: 'en',
      state: 'draft',
      active_version: null,
      content: { version: 1, state: 'draft', parts: WELCOME.parts, revision: 1 },
      problems: [],
    },
  });
  const id = made.body.template_id;
  expect(await api.mail('draft')).toMatchObject({ subject: 'Hello of the file' });
  const activated = await api.post('/CLIENT_WELCOME_V1/activate');
  expect(activated.body).toEqual({ template_id: id, version: 1, from: null, problems: [] });
  expect(await api.mail('active')).toMatchObject({
    subject: 'Welcome, Maria',
    template_id: id,
    template_version: 1,
  });
  // The other notification still has its file.
  expect(await api.mail('other', 'paid')).toMatchObject({ subject: 'Offer', text: 'Offer of the file' });
});

test('an active version is immutable: a change is the next draft, and a roll-back makes the version before active', async () => {
  const id = await api.make(WELCOME);
  const changed = await api.patch(`/${id}`, { parts: { text: 'Second text' } });
  expect(changed.body.content).toMatchObject({
    version: 2,
    state: 'draft',
    parts: { ...WELCOME.parts, text: 'Second text' },
  });
  const again = await api.patch(`/${id}`, { parts: { subject: 'Hi' } }, { 'if-match': '"1"' });
  expect(again.body.content).toMatchObject({ version: 2, revision: 2 });
  expectProblem(await api.patch(`/${id}`, { parts: { subject: 'Ho' } }, { 'if-match': '"1"' }), {
    status: 412,
    code: 'outdated',
    pointer: 'if-match',
  });
  expect(await api.mail('before')).toMatchObject({ text: 'First text' });
  expect((await api.post(`/${id}/activate`)).body).toMatchObject({ version: 2, from: 1 });
  expect(await api.mail('second')).toMatchObject({ subject: 'Hi', text: 'Second text', template_version: 2 });
  expect((await api.post(`/${id}/rollback`)).body).toMatchObject({ version: 1, from: 2 });
  expect(await api.mail('third')).toMatchObject({ text: 'First text', template_version: 1 });
  const { body } = await api.get(`/${id}/versions`);
  expect(body.versions.map(({ version, state }: { version: number; state: string }) => [version, state])).toEqual([
    [2, 'archived'],
    [1, 'active'],
  ]);
  expect(body.activations.map(({ kind, version }: { kind: string; version: number }) => [kind, version])).toEqual([
    ['rolled_back', 1],
    ['activated', 2],
    ['activated', 1],
  ]);
  expectProblem(await api.delete(`/${id}`), { status: 409, code: 'template_in_use' });
});

test('the mistakes of a template are those that `tidings check` finds, each at its part', async () => {
  const { status: rejected, body } = await api.post('', { ...WELCOME, parts: { subject: 'x', text: 'a {{nothing}}' } });
  expect([rejected, body.code]).toEqual([422, 'invalid_template']);
  expect(body.errors).toEqual([
    expect.objectContaining({
      pointer: '/parts/text',
      file: 'templates/WELCOME/email.en.txt',
      line: 1,
      message: expect.stringContaining('there is no `nothing` here'),
    }),
  ]);
  for (const [wrong, pointer, status = 422] of [
    [{ type: 'WELCOM' }, '/type'],
    [{ channel: 'sms' }, '/channel'],
    [{ category: 'MARKETING' }, '/category'],
    [{ locale: 'EN' }, '/locale', 400],
    [{ variant: 'default' }, '/variant', 400],
    [{ variables: { 'no name': {} } }, '/variables', 400],
    [{ parts: { subject: 'x' } }, '/parts/subject'],
  ] as const) {
    const answer = await api.post('', { ...WELCOME, ...wrong });
    expect([answer.status, answer.body.errors?.[0]?.pointer], JSON.stringify(wrong)).toEqual([status, pointer]);
  }
  expect((await api.get('')).body.templates).toEqual([]);
});

test('a template has the layout and the partials of the catalog, and a change of them reaches it', async () => {
  const parts = { subject: 'S', html: '<h1>Hi {{user_name}}</h1>{{> footer}}' };
  await api.make({ ...WELCOME, parts });
  expect(await api.mail('layout')).toMatchObject({
    html: '<html><body><h1>Hi Maria</h1>Acme<p>Acme</p></body></html>',
  });
  const files = { ...TEMPLATE_CATALOG, 'templates/_partials/footer.html': 'Acme Inc.' };
  const applied = await api.server.send('POST', '/api/v1/catalog', { files });
  expect([applied.status, applied.body.changed]).toEqual([200, true]);
  expect(await api.mail('new layout')).toMatchObject({ html: expect.stringContaining('<p>Acme Inc.</p>') });
});

test('declared variables are shown, and those of a template are variables of its notification', async () => {
  const variables = { code: { type: 'string', default: 'none' } };
  await api.make({ ...WELCOME, parts: { subject: 'Code {{code}}', text: 'x' }, variables });
  expect(await api.mail('variable')).toMatchObject({ subject: 'Code none' });
  const answer = await api.post('/CLIENT_WELCOME/localizations', {
    locale: 'es',
    parts: { subject: '{{code}}', text: 'x' },
    variables: { code: { type: 'number' } },
  });
  expect([answer.status, answer.body.errors?.[0]?.pointer]).toEqual([422, '/variables/code']);
  // A name alone contradicts nothing, and takes nothing from the declaration.
  const named = await api.post('', { ...WELCOME, name: 'NAMED', variant: 'named', variables: ['code'] });
  expect(named.status).toBe(201);
  // A template may show what another one of its notification declares.
  const other = { locale: 'es', parts: { subject: 'Es {{code}}', text: 'x' } };
  expect((await api.post('/CLIENT_WELCOME/localizations', other)).status).toBe(201);
  expect((await api.post('/CLIENT_WELCOME.es/activate')).status).toBe(200);
  expect(await api.mail('es variable', 'signed_up', { locale: 'es' })).toMatchObject({ subject: 'Es none' });
});

test('a template that requires what a rule of its notification does not give is not activated, and files are warned of it', async () => {
  const variables = { code: { type: 'string', required: true } };
  await api.post('', { ...WELCOME, parts: { subject: 'Code {{code}}', text: 'x' }, variables });
  const answer = await api.post('/CLIENT_WELCOME/activate');
  expect(answer).toMatchObject({
    status: 422,
    body: { code: 'invalid_template', errors: [{ pointer: '/variables/code' }] },
  });
  expect(answer.body.detail).toContain('the rule WELCOME does not give it');
  expect(await api.mail('still the file')).toMatchObject({ subject: 'Hello of the file' });
  const all = {
    ...TEMPLATE_CATALOG,
    'rules.yaml': 'rules: { WELCOME: { on: signed_up, variables: event.data }, OFFER: { on: paid } }',
  };
  expect((await api.server.send('POST', '/api/v1/catalog', { files: all })).status).toBe(200);
  expect((await api.post('/CLIENT_WELCOME/activate')).status).toBe(200);
  const applied = await api.server.send('POST', '/api/v1/catalog', { files: TEMPLATE_CATALOG });
  expect(applied.body.problems).toContainEqual(
    expect.objectContaining({ code: 'unfilled_variable', file: 'rules.yaml' }),
  );
});

test('a localization is a template of its own locale, found by its name and locale', async () => {
  await api.make(WELCOME);
  const made = await api.post('/CLIENT_WELCOME/localizations', {
    locale: 'es',
    parts: { subject: 'Hola', text: 'Uno' },
  });
  expect([made.status, made.body.locale, made.body.name]).toEqual([201, 'es', 'CLIENT_WELCOME']);
  expect(await api.mail('es draft', 'signed_up', { locale: 'es-MX' })).toMatchObject({ subject: 'Welcome, Maria' });
  expect((await api.post('/CLIENT_WELCOME.es_V1/activate')).status).toBe(200);
  expect(await api.mail('es', 'signed_up', { locale: 'es-MX' })).toMatchObject({ subject: 'Hola', locale: 'es' });
  expect((await api.get('/CLIENT_WELCOME.es')).body).toMatchObject({ locale: 'es', state: 'active' });
  const twice = await api.post('/CLIENT_WELCOME/localizations', {
    locale: 'es',
    parts: { subject: 'Hola', text: 'Uno' },
  });
  expectProblem(twice, { status: 409, code: 'template_exists', pointer: '/name' });
  // Out of use, readers see the locale that stands in.
  expect((await api.post('/CLIENT_WELCOME.es/archive')).body.state).toBe('archived');
  expect(await api.mail('es archived', 'signed_up', { locale: 'es-MX' })).toMatchObject({ subject: 'Welcome, Maria' });
  expectProblem(await api.post('/CLIENT_WELCOME/archive'), { status: 409, code: 'template_in_use' });
});

test('a new catalog of files keeps the templates of the API, and a roll-back of the catalog has those of its version', async () => {
  const id = await api.make(WELCOME);
  const before = (await api.server.get('/api/v1/catalog')).body.version;
  await api.patch(`/${id}`, { parts: { text: 'Second text' } });
  await api.post(`/${id}/activate`);
  const files = { ...TEMPLATE_CATALOG, 'events.yaml': 'events: { signed_up: {}, paid: {}, left: {} }' };
  expect((await api.server.send('POST', '/api/v1/catalog', { files })).body.changed).toBe(true);
  expect(await api.mail('kept')).toMatchObject({ text: 'Second text', template_version: 2 });
  await api.server.send('POST', '/api/v1/catalog/rollback', { version: before });
  expect(await api.mail('rolled back')).toMatchObject({ text: 'First text', template_version: 1 });
  expect((await api.get(`/${id}`)).body.active_version).toBe(1);
});

test('a catalog may be applied whose templates are made later', async () => {
  const files = Object.fromEntries(
    Object.entries(TEMPLATE_CATALOG).filter(([path]) => !path.startsWith('templates/WELCOME')),
  );
  expect((await api.server.send('POST', '/api/v1/catalog', { files })).status).toBe(200);
  await api.make(WELCOME);
  expect(await api.mail('later')).toMatchObject({ subject: 'Welcome, Maria' });
});

test('two activations at once both take effect', async () => {
  const made = [
    await api.post('', WELCOME),
    await api.post('', { ...WELCOME, name: 'OFFER_SMS', type: 'OFFER', channel: 'sms', parts: { text: 'New' } }),
  ];
  const answers = await Promise.all(made.map(({ body }) => api.post(`/${body.template_id}/activate`)));
  expect(answers.map(({ status }) => status)).toEqual([200, 200]);
  const { body } = await api.get('');
  expect(body.templates.map(({ active_version }: { active_version: number }) => active_version)).toEqual([1, 1]);
});

test('a draft is deleted, with its template if that has no other version', async () => {
  const made = await api.post('', WELCOME);
  expect((await api.delete(`/${made.body.template_id}`)).body).toMatchObject({ version: 1, is_gone: true });
  expectProblem(await api.get(`/${made.body.template_id}`), { status: 404, code: 'not_found' });
  const id = await api.make(WELCOME);
  await api.patch(`/${id}`, { parts: { text: 'Draft' } });
  expect((await api.delete(`/${id}`)).body).toMatchObject({ version: 2, is_gone: false });
  expect((await api.get(`/${id}`)).body).toMatchObject({ newest_version: 1, state: 'active' });
});

test('each change is in the audit log', async () => {
  const id = await api.make(WELCOME);
  await api.patch(`/${id}`, { parts: { text: 'Second' } });
  await api.post(`/${id}/activate`);
  await api.post(`/${id}/rollback`);
  const { rows } = await api.tidings.database.pool.query<{ action: string }>(
    'select action from audit_log where subject = $1 order by entry_id',
    [`template ${id}`],
  );
  expect(rows.map(({ action }) => action)).toEqual([
    'template.created',
    'template.activated',
    'template.changed',
    'template.activated',
    'template.rolled_back',
  ]);
});

test('a draft is shown in a preview, and nowhere else', async () => {
  await api.make(WELCOME);
  await api.patch('/CLIENT_WELCOME', { parts: { text: 'Draft of {{user_name}}' } });
  const body = { notification_type: 'WELCOME', channel: 'email' };
  const of = async (template?: string) => (await api.post('/preview', { ...body, template })).body;
  expect(await of('CLIENT_WELCOME_V2')).toMatchObject({
    locale: 'en',
    message: { text: expect.stringMatching(/^Draft of/) },
  });
  expect(await of('CLIENT_WELCOME_V1')).toMatchObject({ message: { text: 'First text' } });
  expect(await of()).toMatchObject({ message: { text: 'First text' } });
  expect(await of('CLIENT_WELCOME_V3')).toMatchObject({ code: 'not_found' });
});
