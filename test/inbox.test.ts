import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectProblem } from './support/api.ts';
import { type InboxTidings, inboxTidings, TENANT } from './support/inbox.ts';
import { foldAll } from './support/metrics.ts';

let inbox: InboxTidings;
beforeAll(async () => {
  inbox = await inboxTidings();
});
afterAll(() => inbox.close());

let users = 0;
const newUser = () => `reader ${users++}`;
const textsOf = ({ items }: { items: { message: { text: string } }[] }) => items.map(({ message }) => message.text);

describe('an inbox', () => {
  test('has what was delivered in the app, the latest first, with what is unread and unseen', async () => {
    const user = newUser();
    await inbox.tell(user, 'one', 'two');
    const page = await inbox.list(user);
    expect(textsOf(page)).toEqual(['two', 'one']);
    expect(page.items[0]).toMatchObject({ sequence: 2, notification_type: 'NOTED', read_at: null, seen_at: null });
    expect(page.counts).toEqual({ unread: 2, unseen: 2, position: 2, stale_in: null });
    const { rows } = await inbox.tidings.database.pool.query('select distinct status from deliveries');
    expect(rows).toEqual([{ status: 'sent' }]);
    expect((await inbox.list(newUser())).counts).toEqual({ unread: 0, unseen: 0, position: 0, stale_in: null });
  });

  test('has an item once, however often its delivery is attempted', async () => {
    const user = newUser();
    await inbox.tell(user, 'once');
    const [item] = (await inbox.list(user)).items;
    const outgoing = {
      tenantId: TENANT,
      userId: user,
      notificationId: item.notification_id,
      notificationType: 'NOTED',
      channel: 'in_app',
      target: { kind: 'none' },
      message: { text: 'again' },
      idempotencyKey: `${item.notification_id}.in_app`,
      attempt: 2,
    } as const;
    await inbox.act(user, item.notification_id, 'read');
    const { signal } = new AbortController();
    const outcomes = await Promise.all(Array.from({ length: 8 }, () => inbox.provider.send(outgoing, signal)));
    expect(outcomes.map(({ kind }) => kind)).toEqual(Array(8).fill('sent'));
    const fresh = { ...outgoing, userId: newUser() };
    await Promise.all(Array.from({ length: 8 }, () => inbox.provider.send(fresh, signal)));
    expect((await inbox.list(fresh.userId)).items).toHaveLength(1);
    const { items } = await inbox.list(user);
    expect(items).toMatchObject([{ message: { text: 'once' }, read_at: expect.any(String) }]);
    expect(await inbox.provider.send({ ...fresh, userId: 'without items' }, signal, () => false)).toMatchObject({
      kind: 'retry',
    });
    expect((await inbox.list('without items')).items).toEqual([]);
  });

  test('is read, unread, seen, archived and snoozed, item by item', async () => {
    const user = newUser();
    await inbox.tell(user, 'one', 'two', 'three');
    const [three, two, one] = (await inbox.list(user)).items.map(
      (item: { notification_id: string }) => item.notification_id,
    );
    const first = (await inbox.act(user, one, 'read')).body;
    expect(first).toMatchObject({ read_at: expect.any(String), seen_at: expect.any(String) });
    inbox.tidings.clock.now += 1000;
    expect((await inbox.act(user, one, 'read')).body.read_at).toBe(first.read_at);
    expect((await inbox.list(user)).counts).toMatchObject({ unread: 2, unseen: 2 });
    expect((await inbox.act(user, one, 'unread')).body).toMatchObject({ read_at: null, seen_at: first.seen_at });
    await inbox.act(user, two, 'seen');
    expect((await inbox.list(user)).counts).toMatchObject({ unread: 3, unseen: 1 });
    await inbox.act(user, two, 'archive');
    const until = new Date(inbox.tidings.clock.now + 3_600_000).toISOString();
    expect((await inbox.act(user, three, 'snooze', { until })).body).toMatchObject({
      snoozed_until: until,
      seen_at: expect.any(String),
    });
    expect(textsOf(await inbox.list(user))).toEqual(['one']);
    expect((await inbox.list(user)).counts).toMatchObject({ unread: 1, unseen: 0 });
    expect(textsOf(await inbox.list(user, '?view=archived'))).toEqual(['two']);
    expect(textsOf(await inbox.list(user, '?view=snoozed'))).toEqual(['three']);
    expect(textsOf(await inbox.list(user, '?view=all'))).toEqual(['three', 'two', 'one']);
    inbox.tidings.clock.now += 3_600_000;
    expect(textsOf(await inbox.list(user))).toEqual(['three', 'one']);
    await inbox.act(user, two, 'unarchive');
    expect(textsOf(await inbox.list(user, '?view=unread'))).toEqual(['three', 'two', 'one']);
    expect(textsOf(await inbox.list(user, '?view=read'))).toEqual([]);
    expect(textsOf(await inbox.list(user, '?notification_type=OTHER'))).toEqual([]);
  });

  test('is marked as read up to a sequence: what arrived since stays unread', async () => {
    const user = newUser();
    await inbox.tell(user, 'one', 'two', 'three');
    const path = `/api/v1/users/${encodeURIComponent(user)}/inbox`;
    const seen = await inbox.server.post(`${path}/seen-all`, { up_to: 2 });
    expect(seen.body).toMatchObject({ marked: 2, counts: { unread: 3, unseen: 1 } });
    const some = await inbox.server.post(`${path}/read-all`, { up_to: 2 });
    expect(some.body).toMatchObject({ marked: 2, counts: { unread: 1, unseen: 1 } });
    const all = await inbox.server.post(`${path}/read-all`);
    expect(all.body).toMatchObject({ marked: 1, counts: { unread: 0, unseen: 0 } });
    expect((await inbox.server.post(`${path}/read-all`)).body.marked).toBe(0);
  });

  test('counts as delivered, and once as opened and read, however it is marked', async () => {
    const { pool } = inbox.tidings.database;
    const user = newUser();
    await inbox.tell(user, 'one', 'two', 'three', 'four');
    await foldAll(pool);
    const load = async () => (await inbox.server.get('/api/v1/metrics/channels')).body.channels[0].metrics;
    const before = await load();
    expect(before.delivery_rate).toBe(1);
    expect(before.delivered).toBe(before.sent);
    const [four, three, two] = (await inbox.list(user)).items.map(
      (item: { notification_id: string }) => item.notification_id,
    );
    for (const action of ['seen', 'read', 'unread', 'read']) await inbox.act(user, four, action);
    await inbox.act(user, three, 'seen');
    const path = `/api/v1/users/${encodeURIComponent(user)}/inbox`;
    await inbox.server.post(`${path}/seen-all`, { up_to: 3 });
    await inbox.act(user, two, 'read');
    await inbox.act(user, two, 'unread');
    await inbox.server.post(`${path}/read-all`, { up_to: 2 });
    await inbox.server.post(`${path}/read-all`, { up_to: 2 });
    await foldAll(pool);
    const after = await load();
    expect([after.delivered - before.delivered, after.opened - before.opened, after.read - before.read]).toEqual([
      0, 4, 3,
    ]);
    const { stages } = (await inbox.server.get('/api/v1/metrics/funnel?channel=in_app')).body;
    expect(stages.find(({ stage }: { stage: string }) => stage === 'delivered')).toMatchObject({ rate: 1 });
    const { rows } = await pool.query('select receipt_flags from deliveries where notification_id = $1', [four]);
    expect(rows).toEqual([{ receipt_flags: ['opened', 'read'] }]);
  });

  test('is listed in pages, whose cursor belongs to the list', async () => {
    const user = newUser();
    await inbox.tell(user, 'one', 'two', 'three');
    const first = await inbox.list(user, '?limit=2');
    expect(textsOf(first)).toEqual(['three', 'two']);
    await inbox.tell(user, 'four');
    const rest = await inbox.list(user, `?limit=2&after=${encodeURIComponent(first.next)}`);
    expect(textsOf(rest)).toEqual(['one']);
    expect(rest.next).toBeNull();
    const path = `/api/v1/users/${encodeURIComponent(newUser())}/inbox?after=${encodeURIComponent(first.next)}`;
    expectProblem(await inbox.server.get(path), { status: 400, code: 'invalid_request', pointer: 'after' });
  });

  test('changes only by its own items and known actions', async () => {
    const [user, other] = [newUser(), newUser()];
    await inbox.tell(user, 'one');
    const [{ notification_id: id }] = (await inbox.list(user)).items;
    const missing = { status: 404, code: 'not_found', pointer: 'notification_id' };
    expectProblem(await inbox.act(other, id, 'read'), missing);
    expectProblem(await inbox.act(user, 'nonsense', 'read'), missing);
    const wrong = (pointer: string) => ({ status: 400, code: 'invalid_request', pointer });
    expectProblem(await inbox.act(user, id, 'eat'), wrong('action'));
    for (const body of [
      undefined,
      { until: 'soon' },
      { until: '2020-01-01T00:00:00Z' },
      { until: '2999-01-01T00:00:00Z' },
    ])
      expectProblem(await inbox.act(user, id, 'snooze', body), wrong('/until'));
    expectProblem(await inbox.act(user, id, 'read', { until: '2026-01-01T00:00:00Z' }), wrong('/until'));
  });

  test('is the own one of a user with a token', async () => {
    const [user, other] = [newUser(), newUser()];
    await inbox.tell(user, 'mine');
    await inbox.tell(other, 'theirs');
    const { body } = await inbox.server.post(`/api/v1/users/${encodeURIComponent(user)}/tokens`, {});
    const headers = { authorization: `Bearer ${body.token}` };
    const own = (await inbox.server.get('/api/v1/me/inbox', headers)).body;
    expect(textsOf(own)).toEqual(['mine']);
    const read = await inbox.server.post(`/api/v1/me/inbox/${own.items[0].notification_id}/read`, undefined, headers);
    expect(read.body.read_at).not.toBeNull();
    const [theirs] = (await inbox.list(other)).items;
    expect(
      (await inbox.server.post(`/api/v1/me/inbox/${theirs.notification_id}/read`, undefined, headers)).status,
    ).toBe(404);
    expect((await inbox.server.post('/api/v1/me/inbox/read-all', {}, headers)).body.marked).toBe(0);
  });

  test('is sealed in the database', async () => {
    await inbox.tell(newUser(), 'a text that stays sealed');
    const { rows } = await inbox.tidings.database.pool.query('select i::text as row from inbox_items as i');
    expect(JSON.stringify(rows)).not.toContain('stays sealed');
  });
});
