import { afterEach, describe, expect, test } from 'vitest';
import { readMail } from './support/mailsink.ts';
import { otherKey, type WholeTidings, wholeTidings } from './support/whole-tidings.ts';

/** Posted addresses and message bodies are sealed where they are stored, and open with the key of the process only. */

const DAY = 86_400_000;
const RULES = `
  MAIL: { on: began, data: { to: event.by, deep: event.deep } }
  LATER: { on: began, key: event.by, delay: 1d, when: 'event.by.size() > 20' }
  DIGEST: { on: came, digest: { window: 1d } }
  AFTER: { on: ended, after: { event: began, within: 1d, same: event.by }, limit: 1 per day }
  EMIT: { on: made, do: [{ emit: came, with: { by: event.by } }, { set: { friend: event.by } }] }
  DONE: { on: { notification: MAIL, is: delivered } }
`;
const TEMPLATES = {
  'MAIL/email.en.txt': 'Secret words for {{event.by}}, {{user.email}}, {{data.deep.list}}',
  'LATER/in_app.en.txt': 'Secret words of {{event.call}}',
  'DIGEST/in_app.en.txt': '{{#each items}}Secret words of {{event.by}}{{/each}}',
};
const BY = 'zanzibar.quagmire@example.com';
const CALL = '+351 912 873 465';
const TELLTALE = /zanzibar|quagmire|912 ?873 ?465|351912873465|91287346|secret words/i;

let whole: WholeTidings;
afterEach(() => whole.close());

async function postAll(): Promise<void> {
  const deep = { list: [BY, { [BY]: { mobile: 912873465 } }], text: `write to ${BY} or ${CALL}` };
  await whole.post('began', { by: BY, call: CALL, deep }, { email: BY, phone: CALL, friends: [BY], [BY]: CALL });
  await whole.post('came', { by: BY, phones: [351912873465] });
  await whole.post('came', { by: `${BY} again` });
  await whole.post('ended', { by: BY });
  await whole.post('made', { by: BY }, { contact: { work: BY } }, { source: BY, meta: { by: [CALL] } });
}

describe('a database, the log and all that is shown', () => {
  test('have no posted address and no message in clear, while waits are open and when all is sent', async () => {
    whole = await wholeTidings(RULES, TEMPLATES);
    await postAll();
    expect(await whole.search(TELLTALE)).toEqual([]);
    await whole.pass(2 * DAY);
    expect(await whole.search(TELLTALE)).toEqual([]);
    expect(await whole.search(new RegExp(Buffer.from('quagmire').toString('hex')))).toEqual([]);
    // There is something to look through.
    const tables = new Set((await whole.search(/^/)).map((found) => found.split(':')[0]));
    for (const table of ['events', 'users', 'waits', 'notifications', 'messages', 'limit_uses', 'addresses']) {
      expect(tables).toContain(table);
    }
    expect(whole.log.length).toBeGreaterThan(0);
    expect(whole.log.join('')).not.toMatch(TELLTALE);

    const paths = ['audit/u1?limit=200', 'waits', 'activity', 'deliveries?limit=200', 'users', 'events/rejected'];
    const types = ['MAIL', 'LATER', 'DIGEST', 'AFTER', 'EMIT'];
    for (const path of [...paths, ...types.map((type) => `explain/u1/${type}`)]) {
      const { status, text } = await whole.get(`/api/v1/${path}`);
      expect(status, path).toBe(200);
      expect(text, path).not.toMatch(TELLTALE);
    }
    const [mail] = await whole.messages('MAIL');
    expect(mail?.text).toMatch(/^Secret words for z…@example\.com, z…@example\.com, /);
    expect(JSON.stringify(await Promise.all(types.map(whole.messages)))).not.toMatch(/zanzibar|quagmire|912 ?873/i);
    expect((await readMail(whole.sink.mails[0])).text).toContain(`Secret words for ${BY}, ${BY}`);
    expect(await whole.reproduce()).toMatchObject({ different: 0 });
  });

  test('are sealed only where there is something to hide: data without addresses pays nothing', async () => {
    whole = await wholeTidings(RULES, TEMPLATES);
    const traits = { email: 'a.user@example.com', phone: '+351919999999', plan: 'pro' };
    await whole.post('began', { by: 'nobody', n: 1, at: '2025-11-20T12:00:00+01:00' }, traits);
    await whole.post('came', { by: 'nobody' });
    for (const table of ['events', 'users', 'waits', 'notifications']) {
      const { rows } = await whole.tidings.database.pool.query(
        `select count(sealed) as sealed, count(*) as all from ${table}`,
      );
      expect(Number(rows[0].all), table).toBeGreaterThan(0);
      expect(rows[0], table).toMatchObject({ sealed: 0 });
    }
  });
});

describe('a document that cannot be opened', () => {
  test('is decided on as it is shown, which the evidence says, and logged without what it holds', async () => {
    whole = await wholeTidings(`
  N: { on: ended, after: { event: began, within: 1d }, when: 'matched.began.by == "x" || event.by.startsWith("zanz")' }
  LATER: { on: came, delay: 1h, when: 'event.by.startsWith("zanz")' }
`);
    await whole.post('came', { by: BY });
    await whole.post('began', { by: BY }, { friend: BY });
    const restore = otherKey(whole.tidings);
    const [decision] = await whole.post('ended', { by: BY });
    expect(decision).toMatchObject({ outcome: 'send', evidence: { masked: true } });
    await whole.pass(DAY);
    const { body } = await whole.get('/api/v1/waits?user_id=u1');
    expect(body.waits[0]).toMatchObject({
      status: 'fired',
      decisions: [{ reason_code: 'condition_false', evidence: { masked: true } }],
    });
    restore();
    expect(whole.unreadable).toEqual(expect.arrayContaining(['events', 'users', 'waits']));
  });

  test('is not sent: the message waits for the key, and goes out with what was posted', async () => {
    whole = await wholeTidings('\n  MAIL: { on: began }\n', { 'MAIL/email.en.txt': 'For {{event.by}}' });
    const restore = otherKey(whole.tidings);
    await whole.post('began', { by: BY }, { email: 'a.user@example.com' });
    await expect
      .poll(async () => (await whole.get('/api/v1/deliveries')).body.deliveries[0])
      .toMatchObject({
        status: 'queued',
        reason_code: 'retrying',
        reason: expect.stringMatching(/cannot be opened with the current key$/),
      });
    restore();
    await whole.pass(DAY / 24);
    expect((await readMail(whole.sink.mails[0])).text?.trim()).toBe(`For ${BY}`);
    expect(whole.sink.mails).toHaveLength(1);
  });

  test('of a sent message is answered with a problem', async () => {
    whole = await wholeTidings('\n  N: { on: began }\n');
    await whole.post('began');
    await whole.pass(0);
    const { body } = await whole.get('/api/v1/deliveries');
    const path = `/api/v1/deliveries/${body.deliveries[0].delivery_id}/message`;
    const restore = otherKey(whole.tidings);
    expect(await whole.get(path)).toMatchObject({ status: 409, body: { code: 'not_readable' } });
    restore();
    expect(await whole.get(path)).toMatchObject({ status: 200, body: { text: 'x' } });
  });

  test('in another row is not opened: it is bound to its own', async () => {
    whole = await wholeTidings('\n  N: { on: began }\n');
    await whole.post('began', { by: BY });
    await whole.post('began', { by: 'mark@example.com' });
    await whole.pass(0);
    const { pool } = whole.tidings.database;
    await pool.query(
      `update messages as m set sealed = o.sealed from messages as o where o.notification_id <> m.notification_id`,
    );
    const { body } = await whole.get('/api/v1/deliveries');
    for (const { delivery_id } of body.deliveries) {
      expect(await whole.get(`/api/v1/deliveries/${delivery_id}/message`)).toMatchObject({ status: 409 });
    }
  });
});
