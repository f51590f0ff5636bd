import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CHECKS } from '../src/catalog/lint/findings.ts';
import { lintFiles, listMistakes, parseCatalog } from './support/catalog.ts';
import { buildLintFiles } from './support/lint-files.ts';

/** Returns the findings in rules.yaml, those on unused events and notifications only if `unused` is true. */
async function formatFindings(rules: string, unused = false): Promise<string[]> {
  const { data, problems } = await lintFiles(buildLintFiles(rules));
  expect(data === undefined).toBe(problems.some(({ severity }) => severity === 'error'));
  return problems
    .filter(({ code }) => unused || !/^unused_(event|notification)$/.test(code))
    .map(({ line, column, code, message, hint }) => `${line}:${column} ${code}: ${message}${hint ? ` (${hint})` : ''}`);
}

describe('reports a catalog that is valid but probably wrong:', () => {
  const rows: [string, string, ...string[]][] = [
    ['nothing', '  A: { on: a }\n'],
    // Branches
    [
      'a branch after one that always is taken',
      '  X:\n    on: a\n    choose:\n      - { when: 1 < 2, notify: A }\n      - { when: user.vip, notify: B }\n      - { notify: none }\n',
      '6:9 unreachable_branch: branch 2 is never taken: branch 1 always is',
      '7:9 unreachable_branch: branch 3 is never taken: branch 1 always is',
    ],
    [
      'a branch with the condition of an earlier one',
      '  X:\n    on: a\n    choose:\n      - { when: event.id == "x  y", notify: A }\n      - { when: event.id == "x y", notify: A }\n      - { when: \'event.id  ==  "x y"\', notify: B }\n',
      '7:17 unreachable_branch: branch 3 is never taken: branch 2 has the same condition',
    ],
    [
      'a branch that is never taken',
      '  X: { on: a, choose: [{ when: 1 > 2, notify: A }, { notify: B }] }\n',
      '2:32 unreachable_branch: branch 1 is never taken: this is never true',
    ],
    [
      'a branch with the condition of the rule',
      '  X: { on: a, when: user.vip, choose: [{ when: user.vip, notify: A }, { notify: B }] }\n',
      '2:71 unreachable_branch: branch 2 is never taken: branch 1 always is, because it has the condition of the rule',
    ],
    [
      'a condition that was true before the wait and is not evaluated again',
      '  X: { on: a, when: user.vip, delay: 1h, recheck: false, choose: [{ when: user.vip, notify: A }, { notify: B }] }\n',
    ],
    ['a share of 0%', '  X: { on: a, split: { A: 100%, B: 0% } }\n', '2:36 unreachable_branch: no user falls into B'],
    [
      'a condition that is never true',
      '  A: { on: a, when: 1 / 0 == 1 }\n',
      '2:21 never_true: this is never true: the rule never acts (correct the condition)',
    ],
    [
      'counts that the trigger decides',
      '  A: { on: a, count: { at_least: 1, within: 1h } }\n  B: { on: a, count: { exactly: 0, of: [a, b], within: 1h } }\n',
      '2:34 count_always: the trigger itself counts: this always holds (at_least: 2)',
      '3:33 count_never: the trigger itself counts: this never holds (exactly: 1)',
    ],
    [
      'counts that the trigger does not decide',
      '  A: { on: a, count: { at_least: 1, since: b } }\n  B: { on: [a, b], count: { exactly: 0, of: a, within: 1h } }\n',
    ],
    // Limits
    [
      'limits that never bind',
      '  A: { on: a, limit: [once, 3 per day] }\n  B: { on: a, limit: [2 per 24h, 1 per day, 3 ever], throttle: 30h }\n',
      '2:29 limit_never_binds: "3 per day" never binds: "once" is stricter',
      '3:23 limit_never_binds: "2 per 24h" never binds: "1 per day" is stricter',
      '3:34 limit_never_binds: "1 per day" never binds: "1 per 30h" is stricter',
    ],
    [
      'limits that bind',
      '  A: { on: a, limit: [1 per day, 2 per 25h, 5 per 7d, 1 per day in Europe/Lisbon] }\n  B: { on: a, key: event.id, limit: [once, 1 per day per person] }\n',
    ],
    [
      'a limit of all keys',
      '  A: { on: a, key: event.id, limit: [once, once per person] }\n',
      '2:38 limit_never_binds: "once" never binds: "once per person" is stricter',
    ],
    [
      'limits of a group',
      'groups:\n  g: { limit: [1 per day, 2 per 7d] }\n  h: { limit: 2 ever }\nrules:\n  A: { on: a, group: g, limit: 1 per day }\n  B: { on: a, group: h, limit: once }\n  X: { on: b, group: h, limit: once, notify: A }\n',
      '3:15 limit_never_binds: "2 ever" never binds: the limits of B and X are stricter',
      '5:32 limit_never_binds: "1 per day" never binds: "1 per day" of the group is stricter',
    ],
    [
      'a throttle',
      '  A: { on: a, limit: once, throttle: 1h }\n',
      '2:38 limit_never_binds: "1 per 1h" never binds: "once" is stricter',
    ],
    // Waits
    [
      'waits without an end',
      '  A: { on: [a, b], debounce: 1h }\n  B: { on: a, delay: 1h, again: restart }\n  X: { on: a, at: 09:00, again: restart, notify: A }\n',
      '2:30 endless_wait: a steady stream of a and b keeps this wait from ending (debounce: { quiet: 1h, at_most: 24h })',
      '3:33 endless_wait: a steady stream of a keeps this wait from ending (write debounce: { quiet: 1h, at_most: 24h } in place of delay and again)',
    ],
    [
      'an expiry shorter than the delay',
      '  A: { on: a, delay: 3d, expires: 1d }\n',
      '2:35 late_expiry: "expires" is shorter than the delay of 3d: it counts from the end of the delay (an event that arrives in time is sent after the delay anyway)',
    ],
    [
      'its own trigger',
      '  A: { on: a, after: [{ event: b, within: 1h }, { event: a, within: 1h }] }\n  B: { on: [a, b], unless: { event: b, within: 7d } }\n  X: { on: a, key: event.id, unless: { event: a, within: 7d }, notify: A }\n',
      '2:58 own_trigger: a is the trigger too: this needs two of them (name another event, or add same, to say which two belong together)',
      '3:37 own_trigger: b is the trigger too: this waits until no other follows (name another event, or add same, to say which two belong together)',
    ],
    [
      'cancelled by its own trigger',
      '  A: { on: [a, b], delay: 1h, cancel_on: [b] }\n',
      '2:43 cancels_itself: b triggers the rule and ends its wait (to restart the wait, remove it here and write again: restart)',
    ],
    [
      'nothing to cancel',
      '  A: { on: a }\n  B: { on: b, do: { cancel: A } }\n',
      '3:15 nothing_to_cancel: A never waits: it has nothing to cancel',
    ],
    // Loops
    [
      'a rule that emits its own trigger',
      '  A: { on: a, do: { emit: a } }\n',
      '2:15 loop: A triggers itself: it emits a (nothing ends this: add a limit, as in limit: 1 per day)',
    ],
    [
      'through others',
      '  A:\n    on: a\n    do: { emit: b }\n  B: { on: b, do: { set: { score: event.n } } }\n  X: { on: { trait: score }, notify: none, do: [{ cancel: A }, { emit: a }] }\n',
      '4:5 loop: A triggers itself: it emits b, which triggers B; B sets score, which triggers X; X emits a (nothing ends this: add a limit, as in limit: 1 per day)',
      '6:48 nothing_to_cancel: A never waits: it has nothing to cancel',
    ],
    [
      'with a limit',
      'groups:\n  g: { limit: 1 per day }\nrules:\n  A: { on: a, do: { emit: b } }\n  B: { on: b, group: g, do: { emit: a } }\n',
      '4:15 bounded_loop: A triggers itself: it emits b, which triggers B; B emits a (only the limit of B ends this: 1 per day)',
    ],
    [
      'by the outcome of its own notification',
      '  A: { on: { notification: B, is: failed } }\n  B: { on: { notification: [A, B], is: opened }, limit: once }\n',
      '2:3 bounded_loop: A triggers itself: it sends A, which causes notification.opened, which triggers B; B sends B, which causes notification.failed (only the limit of B ends this: once)',
      '3:3 bounded_loop: B triggers itself: it sends B, which causes notification.opened (only the limit of B ends this: once)',
    ],
    [
      'of all notifications',
      '  A: { on: notification.failed }\n',
      '2:3 loop: A triggers itself: it sends A, which causes notification.failed (nothing ends this: add a limit, as in limit: 1 per day)',
    ],
    [
      'a trait that is set to something else, or always to the same',
      '  A: { on: { trait: plan, to: pro }, do: { set: { plan: \'"free"\' } } }\n  B: { on: { trait: plan, to: basic }, do: { set: { plan: \'"basic2"\' } } }\n  X: { on: { trait: vip }, notify: none, do: { set: { vip: true } } }\n',
    ],
    // Outcomes of a notification: Tidings, or the provider, reports each of them
    [
      'every outcome of a notification',
      '  A: { on: { notification: B, is: [failed, bounced, clicked] } }\n  B: { on: a, unless: { event: [b, notification.opened], within: 7d }, cancel_on: notification.delivered }\n',
    ],
    // Unused definitions
    [
      'a group and a zone',
      'groups:\n  g: { limit: once }\nrules:\n  A: { on: a, zone: user, limit: 1 per day }\n  B: { on: b, zone: user, count: { at_least: 2, within: day } }\n',
      '2:3 unused_group: no rule is in the group g (group: g)',
      '4:21 unused_zone: nothing in this rule has a local time (a limit names its own zone: 1 per day in user zone)',
    ],
  ];

  it.each(rows)('%s', async (_name, rules, ...expected) => {
    expect(await formatFindings(rules)).toEqual(expected);
  });

  it('reports events and notifications that no rule uses', async () => {
    expect(await formatFindings('  X: { on: a, notify: A }\n', true)).toEqual([
      '4:3 unused_event: no rule uses b',
      '3:3 unused_notification: no rule sends B (if requests or batches send it, say so: B: { sent_by: requests, … })',
    ]);
    const files = buildLintFiles('  A: { on: notification.failed, notify: B, limit: once }\n');
    files.set('events.yaml', 'events: { notification.failed: {} }\n');
    expect((await lintFiles(files)).problems[0]).toMatchObject({
      code: 'reserved_event',
      line: 1,
      column: 11,
    });
  });

  it('takes an event that is the goal of a type as used', async () => {
    const files = buildLintFiles('  X: { on: a, notify: [A, B] }\n');
    const types = files.get('notifications.yaml') as string;
    files.set('notifications.yaml', types.replace(/^ {2}B: \{/m, '  B: { goal: { event: b, within: 1d },'));
    expect((await lintFiles(files)).problems.map(({ message }) => message)).toEqual([]);
  });

  it('misses no rule for a type that requests send, or that asks for the confirmation of a consent', async () => {
    const files = buildLintFiles('  X: { on: a, notify: A }\n');
    const types = files.get('notifications.yaml') as string;
    files.set('notifications.yaml', types.replace(/^ {2}B: \{/m, '  B: { sent_by: requests,'));
    const codes = (await lintFiles(files)).problems.map((problem) => ('code' in problem ? problem.code : ''));
    expect(codes).not.toContain('unused_notification');
    files.set('notifications.yaml', types.replace(/^ {2}B: \{/m, '  B: { sent_by: rules,'));
    expect(JSON.stringify((await lintFiles(files)).problems)).toContain('sent_by');
  });

  it('throws for an error and not for a warning; a file that cannot be parsed is an error', async () => {
    await expect(parseCatalog(buildLintFiles('  A: { on: a, do: { emit: a } }\n'))).rejects.toThrow(
      'rules.yaml:2:15: A triggers itself: it emits a',
    );
    await expect(parseCatalog(buildLintFiles('  A: { on: a, debounce: 1h }\n'))).resolves.toBeDefined();
    const { data, problems } = await lintFiles(buildLintFiles('  A: { on: [a, c] }\n'));
    expect(data).toBeUndefined();
    expect(problems).toMatchObject([{ severity: 'error', code: 'invalid', line: 2, column: 16 }]);
  });

  it('reports at most 20 loops, and takes little time for many rules in loops', async () => {
    const rules = Array.from(
      { length: 1500 },
      (_, i) => `  R${i}: { on: [a, b], notify: none, do: [{ emit: a }, { emit: b }] }\n`,
    );
    const { problems } = await lintFiles(buildLintFiles(rules.join('')));
    expect(problems.filter(({ code }) => code === 'loop')).toHaveLength(20);
  });

  it('has the checks of docs/rules.md', async () => {
    const page = await readFile(join(import.meta.dirname, '../docs/rules.md'), 'utf8');
    const rows = [...page.matchAll(/^\| `(\w+)` \| (error|warning) \|/gm)].map(([, code, severity]) => [
      code,
      severity,
    ]);
    expect(Object.fromEntries(rows)).toEqual({ ...CHECKS, invalid: 'error' });
  });
});

it('reports the place of a finding that is an error', async () => {
  expect(await listMistakes(buildLintFiles('  A: { on: a, do: { emit: a } }\n'))).toMatchObject([
    { file: 'rules.yaml', line: 2, code: 'loop' },
  ]);
});
