import { expect, test } from 'vitest';
import { buildLintFiles } from './support/lint-files.ts';
import { useSandboxedApi } from './support/sandboxed-api.ts';

/** An explanation counts what its sentence says: a trigger that was considered once counts once, however its wait ended. */

const api = useSandboxedApi();

async function explain(user: string): Promise<string> {
  const { body } = await api.server.get(`/api/v1/explain/${user}/A`);
  return body.paragraph;
}

async function apply(rule: string): Promise<void> {
  await api.tidings.apply(buildLintFiles(`  A: ${rule}\n  B: { on: b }\n`));
  api.tidings.clock.now = Date.parse('2025-10-31T12:00:00Z');
}

test('a wait and its cancellation are one consideration', async () => {
  await apply('{ on: a, delay: 1d, cancel_on: b }');
  await api.post('one', 'a', '31T10:00:00');
  expect(await explain('one')).toMatch(
    /^A has not been sent to one yet\. The rule A considered it once, on a of 31 October/,
  );
  await api.post('one', 'b', '31T11:00:00');
  expect(await explain('one')).toMatch(
    /^A was not sent to one\. The rule A considered it once; its wait ended on b of 31 October 2025 at 11:00 UTC\. /,
  );
});

test('a wait that is restarted and then ended by an absence is two considerations', async () => {
  await apply('{ on: a, unless: { event: b, within: 1d }, again: restart }');
  await api.post('two', 'a', '31T10:00:00');
  await api.post('two', 'a', '31T10:30:00');
  expect(await explain('two')).toContain(
    'The rule A considered it twice, the latest time on a of 31 October 2025 at 10:30',
  );
  await api.post('two', 'b', '31T11:00:00');
  expect(await explain('two')).toContain('The rule A considered it twice; the latest wait ended on b of 31 October');
});

test('a wait that fired without sending is one consideration, and an event that comes too late does not count', async () => {
  await apply('{ on: a, delay: 1h, cancel_on: b, when: user.vip }');
  await api.post('late', 'a', '31T11:30:00', { user_traits: { vip: true } });
  await api.post('late', 'a', '31T11:40:00', { user_traits: { vip: false } });
  api.tidings.clock.now = Date.parse('2025-10-31T13:00:00Z');
  await api.tidings.fireDueWaits(['late']);
  await api.post('late', 'b', '31T11:50:00');
  expect(await explain('late')).toContain('The rule A considered it twice, the latest time on a of 31 October');
});

test('only the named rule is counted', async () => {
  await apply('{ on: a, when: event.n > 1 }\n  X: { on: b, when: event.n > 1, notify: A }');
  await api.post('both', 'a', '31T10:00:00', { properties: { n: 1 } });
  await api.post('both', 'b', '31T10:10:00', { properties: { n: 1 } });
  expect(await explain('both')).toContain('The rule X considered it once, on b of 31 October');
});

test('beside a send, a cancelled wait counts as one that was not sent', async () => {
  await apply('{ on: a, delay: 1h, cancel_on: b }');
  await api.post('sent', 'a', '31T10:00:00');
  api.tidings.clock.now = Date.parse('2025-10-31T12:00:00Z');
  await api.tidings.fireDueWaits(['sent']);
  await api.settled('sent');
  await api.post('sent', 'a', '31T11:30:00');
  await api.post('sent', 'b', '31T11:40:00');
  const paragraph = await explain('sent');
  expect(paragraph).toContain('The rule A decided to send A to sent, on a of 31 October 2025 at 10:00 UTC.');
  expect(paragraph).toContain('It was also considered once without being sent; its wait ended on b of 31 October');
});
