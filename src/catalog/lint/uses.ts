import type { CatalogData, Rule } from '../../model/catalog.ts';
import { LIFECYCLE_EVENTS, POSTED_LIFECYCLE } from '../lifecycle-events.ts';
import { type Report, sentBy } from './findings.ts';

/** What is defined and not used, or named where it is nothing. */
export function checkUses({ events, notifications, rules, groups }: CatalogData, tell: Report): void {
  const named = new Set(rules.flatMap(eventsOf));
  const reserved = new Set(LIFECYCLE_EVENTS.map(({ name }) => name));
  for (const { name } of events) {
    if (reserved.has(name)) {
      const hint = 'every catalog has it: leave it out, or choose another name';
      tell('reserved_event', ['events', name], `${name} is told of notifications alone`, hint);
    } else if (!named.has(name)) tell('unused_event', ['events', name], `no rule looks at ${name}`);
  }
  const sent = new Set(rules.flatMap((rule) => [...sentBy(rule)]));
  for (const { name } of notifications) {
    if (!sent.has(name)) tell('unused_notification', ['notifications', name], `no rule sends ${name}`);
  }
  const joined = new Set(rules.map((rule) => rule.group));
  for (const { name } of groups) {
    if (!joined.has(name)) tell('unused_group', ['groups', name], `no rule is in the group ${name}`, `group: ${name}`);
  }

  const waiting = new Set(rules.filter(waits).map(({ name }) => name));
  for (const rule of rules) {
    if (rule.zone !== 'UTC' && !hasLocalTime(rule)) {
      const hint = 'a limit names its own: 1 per day in user zone';
      tell('unused_zone', ['rules', rule.name, 'zone'], 'nothing in this rule has a local time', hint);
    }
    for (const [key, event] of postedIn(rule)) {
      const hint = 'docs/rules.md shows what to post';
      tell('posted_only', ['rules', rule.name, key], `${event} comes only if one of your services posts it`, hint);
    }
    for (const action of rule.actions) {
      if (action.kind !== 'cancel' || waiting.has(action.rule)) continue;
      tell('nothing_to_cancel', ['rules', rule.name, 'do'], `${action.rule} never waits: it has nothing to cancel`);
    }
  }
}

function eventsOf({ on, after, count, unless, cancelOn, actions }: Rule): string[] {
  return [
    ...on,
    ...after.map(({ event }) => event),
    ...(count?.of ?? []),
    ...(count?.window.kind === 'since' ? [count.window.event] : []),
    ...(unless?.events ?? []),
    ...cancelOn,
    ...actions.flatMap((action) => (action.kind === 'emit' ? [action.event] : [])),
  ];
}

/** Where a rule counts on events that Tidings does not make: a trigger beside others may well be for later. */
function* postedIn({ on, changes, after, count, unless, cancelOn }: Rule): Iterable<[key: string, event: string]> {
  const isPosted = (event: string) => POSTED_LIFECYCLE.has(event);
  if (on.every(isPosted) && changes === undefined) for (const event of on) yield ['on', event];
  for (const event of after.map((one) => one.event).filter(isPosted)) yield ['after', event];
  for (const event of count?.of.filter(isPosted) ?? []) if (!on.includes(event)) yield ['count', event];
  for (const event of unless?.events.filter(isPosted) ?? []) yield ['unless', event];
  for (const event of cancelOn.filter(isPosted)) yield ['cancel_on', event];
}

function hasLocalTime({ every, at, digest, count }: Rule): boolean {
  return Boolean(
    every || at?.timeOfDay !== undefined || digest?.window.kind === 'calendar' || count?.window.kind === 'day',
  );
}

/** Something stands between the trigger of a rule and its end. The turns of a recurring rule cannot be cancelled. */
function waits(rule: Rule): boolean {
  return Boolean(rule.delay ?? rule.at ?? rule.unless ?? rule.debounce ?? rule.digest);
}
