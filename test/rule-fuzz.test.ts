import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { compileFiles, listMistakes, parseCatalog } from './support/catalog.ts';
import { runs } from './support/properties.ts';
import { buildRuleFiles } from './support/rule-files.ts';

describe('any rule', () => {
  const event = fc.constantFrom('signup_completed', 'booking_confirmed', 'booking_rescheduled', 'notification.opened');
  const span = fc.constantFrom('15m', '1h', '24h', '7d', '', '0s');
  const cel = fc.constantFrom(
    ...['event.booking_id', 'event.starts_at', 'user.plan == "pro"', 'matched.signup_completed.plan', 'now', 'true'],
    ...['event.seats > 1', '[1]', 'has(event.seats)', '1 +', ''],
  );
  const type = fc.constantFrom('TELL', 'PRO_TIP', 'none', 'control', 'other');
  const some = (one: fc.Arbitrary<unknown>) => fc.oneof(one, fc.array(one, { maxLength: 3 }));
  const map = (shape: { readonly [key: string]: fc.Arbitrary<unknown> }) => fc.record(shape, { requiredKeys: [] });
  const at = fc.constantFrom('09:00', 'monday 09:00', 'event.starts_at - 24h', 'user.trial_ends_at', 'day 18:00');
  const policy = fc.constantFrom('skip', 'send_now', 'error', 'restart', 'ignore', 'beside');
  const keys = {
    on: some(
      fc.oneof(
        event,
        map({ trait: fc.constantFrom('plan', 'vip'), to: fc.constantFrom('pro', true) }),
        map({ notification: type, is: fc.constantFrom('failed', 'opened') }),
      ),
    ),
    every: fc.constantFrom('monday 09:00', 'hour', 'cron 0 9 * * 1', 'x'),
    for: cel,
    zone: fc.constantFrom('user', 'UTC', 'Europe/Lisbon', 'x'),
    key: cel,
    when: cel,
    after: some(map({ event, within: span, same: cel })),
    count: map({
      at_least: fc.nat(3),
      exactly: fc.nat(3),
      within: fc.oneof(span, fc.constant('day')),
      since: event,
      of: some(event),
    }),
    unless: map({ event: some(event), within: span, same: cel, at_least: fc.nat(3) }),
    delay: span,
    at,
    if_past: policy,
    if_missing: policy,
    recheck: fc.boolean(),
    cancel_on: some(event),
    again: policy,
    debounce: fc.oneof(span, map({ quiet: span, at_most: span })),
    throttle: span,
    digest: map({
      window: span,
      sliding: map({ quiet: span, at_most: span }),
      at,
      first: fc.constant('now'),
      keep: fc.nat(200),
    }),
    expires: span,
    limit: some(fc.constantFrom('once', '1 per day', '3 per 24h per person', 'x')),
    group: fc.constantFrom('g', 'h'),
    notify: some(type),
    channels: some(fc.constantFrom('internal', 'webhook', 'sms')),
    data: fc.dictionary(fc.constantFrom('a', 'b', 'variant', 'a b'), cel, { noNullPrototype: true }),
    choose: fc.array(map({ when: cel, notify: some(type) }), { maxLength: 3 }),
    split: fc.dictionary(type, fc.constantFrom('50%', '100%', 5), { maxKeys: 2, noNullPrototype: true }),
    do: some(
      map({
        set: fc.dictionary(fc.constantFrom('vip', 'plan', 'email'), cel, { maxKeys: 2, noNullPrototype: true }),
        emit: event,
        with: fc.dictionary(fc.constantFrom('plan', 'seats', 'booking_id'), cel, { noNullPrototype: true }),
        cancel: type,
      }),
    ),
  };
  // At most four keys: among many, some always contradict each other.
  const rule = fc
    .subarray(Object.keys(keys) as (keyof typeof keys)[], { maxLength: 4 })
    .chain((chosen) => fc.record({ on: event, ...Object.fromEntries(chosen.map((key) => [key, keys[key]])) }));

  it('is parsed and compiles, or its mistakes are reported', async () => {
    let parsed = 0;
    await fc.assert(
      fc.asyncProperty(rule, async (written) => {
        const files = buildRuleFiles('on: signup_completed');
        files.set('rules.yaml', stringify({ groups: { g: { limit: 'once' } }, rules: { TELL: written } }));
        const mistakes = await listMistakes(files);
        for (const { message, line } of mistakes) {
          expect(message).not.toMatch(/undefined|\[object/);
          expect(line).toBeGreaterThan(0);
        }
        if (mistakes.length > 0) return;
        parsed++;
        const data = await parseCatalog(files);
        expect(JSON.parse(JSON.stringify(data))).toEqual(data);
        await compileFiles(files);
      }),
      runs(400),
    );
    expect(parsed).toBeGreaterThan(20);
  });
});
