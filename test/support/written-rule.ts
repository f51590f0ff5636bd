import type { Action, At, Digest, Rule } from '../../src/model/catalog.ts';
import type { Json, Millis } from '../../src/model/event.ts';

/** Returns the entry of rules.yaml for a rule: the inverse of the parser. A limit is written as its text. */
export function writeRule(rule: Rule): { readonly [key: string]: unknown } {
  const { after, count, unless, debounce, digest, delay, at, every, audience, choose, split, data, expires } = rule;
  const waits = Boolean(delay || at || unless || debounce || digest);
  const limits = rule.limits.map(({ text, perUser }) => (perUser ? `${text} per person` : text));
  return present({
    on: every ? undefined : writeTriggers(rule),
    every: every?.text,
    for: audience,
    zone: rule.zone === 'UTC' ? undefined : rule.zone,
    key: rule.key,
    when: rule.when,
    after: list(after.map(({ event, within, same }) => present({ event, within: writeSpan(within), same }))),
    count: count && present({ ...writeCount(count), same: count.same }),
    unless:
      unless &&
      present({
        event: unless.events,
        within: writeSpan(unless.within),
        at_least: unless.atLeast === 1 ? undefined : unless.atLeast,
        same: unless.same,
      }),
    delay: delay && writeSpan(delay.span),
    at: at && writeAt(at),
    if_past: at?.field === undefined ? undefined : rule.ifPast,
    if_missing: at?.field === undefined ? undefined : rule.ifMissing,
    recheck: waits ? rule.recheck : undefined,
    cancel_on: waits ? list(rule.cancelOn) : undefined,
    again: delay || at || unless ? (debounce ? undefined : rule.again) : undefined,
    debounce:
      debounce &&
      present({
        quiet: writeSpan(debounce.quiet),
        at_most: debounce.atMost === undefined ? undefined : writeSpan(debounce.atMost),
      }),
    digest: digest && { ...writeWindow(digest.window), keep: digest.keep, ...(digest.firstNow && { first: 'now' }) },
    expires: expires === undefined ? undefined : writeSpan(expires),
    limit: list(limits),
    group: rule.group,
    notify: choose ? undefined : rule.notify.length > 0 ? rule.notify : 'none',
    channels: rule.channels,
    data,
    choose: choose?.map(({ when, notify }) => present({ when, notify: notify.length > 0 ? notify : 'none' })),
    split: split && Object.fromEntries(split.map(({ name, share }) => [name, `${share}%`])),
    do: list(rule.actions.map(writeAction)),
  });
}

function writeTriggers({ on, changes = [], about }: Rule): unknown[] {
  if (!about) return [...on, ...changes];
  const is = on.map((type) => type.replace('notification.', ''));
  return [...changes, { notification: about, is }];
}

function writeCount({ how, n, of, window }: NonNullable<Rule['count']>): { readonly [key: string]: unknown } {
  if (window.kind === 'since') return { [how]: n, of, since: window.event };
  return { [how]: n, of, within: window.kind === 'day' ? 'day' : writeSpan(window.span) };
}

function writeAt({ field, offset, timeOfDay, weekday }: At): string {
  const weekdays = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'];
  const shift = offset === 0 ? '' : `${offset < 0 ? '-' : '+'} ${writeSpan(Math.abs(offset))}`;
  const day = weekday === undefined ? '' : weekdays[weekday - 1]!;
  return [field ?? day, shift, timeOfDay === undefined ? '' : writeTimeOfDay(timeOfDay)].filter(Boolean).join(' ');
}

function writeTimeOfDay(minutes: number): string {
  const two = (value: number) => String(value).padStart(2, '0');
  return `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}

function writeWindow(window: Digest['window']): { readonly [key: string]: unknown } {
  if (window.kind === 'fixed') return { window: writeSpan(window.span) };
  if (window.kind === 'calendar') return { at: window.recurrence.text };
  return { sliding: { quiet: writeSpan(window.span), at_most: writeSpan(window.atMost) } };
}

function writeAction(action: Action): { readonly [key: string]: Json } {
  if (action.kind === 'set') return { set: { [action.trait]: action.value } };
  if (action.kind === 'cancel') return { cancel: action.rule };
  return { emit: action.event, with: { ...action.properties } };
}

function writeSpan(span: Millis): string {
  return `${span / 1000}s`;
}

function list<T>(items: readonly T[]): readonly T[] | undefined {
  return items.length > 0 ? items : undefined;
}

function present(record: { readonly [key: string]: unknown }): { readonly [key: string]: unknown } {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined));
}
