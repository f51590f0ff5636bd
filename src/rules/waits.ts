import type { Evidence, Millis, ReasonCode, WaitKind } from '../model.ts';
import { nextOccurrence, resolveAt, zoneOf } from './calendar.ts';
import {
  conclude,
  conditionEvidence,
  conditionVerdict,
  endWait,
  iso,
  type Matter,
  scopeOf,
  waitEvidence,
} from './conclude.ts';
import type { DigestItem, KnownEvent, Trigger, Wait, WaitState } from './facts.ts';
import { agree, keyOf } from './key.ts';
import { endingEvents } from './patterns.ts';
import {
  alreadyWaitingReason,
  brokenReason,
  cancelledReason,
  collectedReason,
  supersededReason,
  timeReason,
  tooLateReason,
  waitingReason,
} from './reasons.ts';
import type { CompiledRule } from './rule-set.ts';
import { type Moment, record, typesOf, type Writable } from './verdicts.ts';

/** A rule whose condition and pattern hold, and that waits before it acts. */
export function begin(m: Moment, compiled: CompiledRule, matter: Matter): void {
  const { rule } = compiled;
  if (rule.digest) collect(m, compiled, matter);
  else if (rule.debounce) debounce(m, compiled, matter);
  else wait(m, compiled, matter);
}

/** What an event does to the waits that are open: it may cancel them, or break the absence they wait for. */
export function endWaits(m: Moment, event: Trigger): void {
  for (const open of inOrder(m, (one) => one.status === 'waiting')) {
    const compiled = m.rules.at(open.catalogVersion).byName.get(open.rule);
    if (!compiled || event.key === open.state.trigger.key) continue;
    const by = { event_id: event.eventId, event_type: event.type, at: event.time };
    const code = endedBy(m, compiled, open, event);
    if (code === undefined) continue;
    const { rule } = compiled;
    const seen = (open.state.seen ?? 0) + 1;
    if (code === 'broken_by_event' && seen < (rule.unless?.atLeast ?? 1)) {
      open.state = { ...open.state, seen };
      if (open.stored === 'same') open.stored = 'changed';
      continue;
    }
    endWait(open, 'cancelled', m.now, by);
    const reason = code === 'broken_by_event' ? brokenReason(rule, event) : cancelledReason(rule, event);
    const ids = [event.eventId, open.state.trigger.eventId];
    record(m, rule, typesOf(rule), code, reason, ids, { ...keyed(open.key), wait: waitEvidence(open) }, 'cancelled');
  }
}

/** An event that would have ended a wait that has fired already is named: people ask. */
export function comeTooLate(m: Moment, event: Trigger): void {
  for (const { rule } of m.rules.active.byEnd.get(event.type) ?? []) {
    for (const fired of inOrder(m, (one) => one.rule === rule.name && one.status === 'fired')) {
      const compiled = m.rules.at(fired.catalogVersion).byName.get(fired.rule);
      if (!compiled || !fired.state.told || (compiled.rule.unless?.atLeast ?? 1) > 1) continue;
      if (endedBy(m, compiled, fired, event) === undefined) continue;
      const ids = [event.eventId, fired.state.trigger.eventId];
      const evidence = { ...keyed(fired.key), wait: waitEvidence(fired) };
      record(m, compiled.rule, typesOf(compiled.rule), 'too_late', tooLateReason(event, fired), ids, evidence);
    }
  }
}

/** How the event would end the wait; nothing when it has nothing to do with it. */
function endedBy(
  m: Moment,
  compiled: CompiledRule,
  one: Wait,
  event: Trigger,
): 'broken_by_event' | 'cancelled_by_event' | undefined {
  const { rule } = compiled;
  const { trigger } = one.state;
  const cancels = rule.cancelOn.includes(event.type) && event.time <= one.dueAt;
  const breaks = rule.unless?.events.includes(event.type) && event.time <= trigger.time + rule.unless.within;
  if (!(cancels || breaks) || event.time < trigger.time || event.key === trigger.key) return undefined;
  if (keyOf(compiled, event, m.ids) !== one.key) return undefined;
  if (cancels) return 'cancelled_by_event';
  return agree(compiled.sameUnless, event, trigger, m.ids) ? 'broken_by_event' : undefined;
}

// ---------------------------------------------------------------------------------------------------------------------
// Delay, point in time, absence

function wait(m: Moment, compiled: CompiledRule, matter: Matter): void {
  const { rule } = compiled;
  const { trigger, evidence } = matter;
  const due = dueAt(m, compiled, matter);
  const movedFrom = makeRoom(m, compiled, matter, typeof due === 'number' ? due : trigger.time);
  if (movedFrom === 'superseded') return;
  if (typeof due !== 'number') {
    const policy = due.problem === 'time_missing' ? rule.ifMissing : rule.ifPast;
    if (policy === 'send_now') {
      conclude(m, compiled, { ...matter, due: m.now });
      return;
    }
    const outcome = policy === 'error' ? 'failed' : 'not_matched';
    const reason = timeReason(rule, due.problem, due.at);
    record(m, rule, typesOf(rule), due.problem, reason, matter.eventIds, evidence, outcome);
    return;
  }
  if (endedBefore(m, compiled, matter, due)) return;
  const kind = rule.unless ? 'unless' : rule.at ? 'at' : 'delay';
  if (due <= m.now) {
    // It came late: nothing is left to wait for.
    evidence.wait = { kind, wait_id: waitId(m, compiled, trigger), since: iso(trigger.time), due_at: iso(due) };
    finish(m, compiled, { ...matter, due });
    return;
  }
  const opened = open(m, compiled, matter, kind, due, {
    trigger: plain(trigger),
    ...(matter.matched && { matched: matter.matched }),
    ...seenSoFar(m, compiled, matter),
  });
  evidence.wait = {
    ...waitEvidence(opened),
    ...(movedFrom && { moved_from: { wait_id: movedFrom.waitId, due_at: iso(movedFrom.dueAt) } }),
  };
  record(m, rule, typesOf(rule), 'waiting', waitingReason(rule, opened, movedFrom), matter.eventIds, evidence);
}

type Due = Millis | { readonly problem: 'time_missing' | 'time_past'; readonly at?: Millis };

function dueAt(m: Moment, compiled: CompiledRule, { trigger, matched }: Matter): Due {
  const { rule, at } = compiled;
  const zone = zoneOf(rule.zone, m.person.profile.traits);
  let due = trigger.time + (rule.delay?.span ?? 0);
  if (rule.at && at) {
    const result = at.evaluate(scopeOf(m, { trigger, ...(matched && { matched }) }));
    const time = result.kind === 'value' && typeof result.value === 'string' ? Date.parse(result.value) : Number.NaN;
    if (!Number.isFinite(time)) return { problem: 'time_missing' };
    due = resolveAt(rule.at, zone, time);
    if (due < m.now) return { problem: 'time_past', at: due };
  } else if (rule.at) {
    due = resolveAt(rule.at, zone, due);
  }
  return Math.max(due, trigger.time + (rule.unless?.within ?? 0));
}

/**
 * What becomes of earlier waits of the rule for this key, and of this trigger where a later one came first. The order of
 * arrival does not matter: by event time, the first trigger is kept (`ignore`) or the last one (`restart`).
 */
function makeRoom(m: Moment, compiled: CompiledRule, matter: Matter, due: Millis): Wait | 'superseded' | undefined {
  const { rule } = compiled;
  const { trigger, key, eventIds, evidence } = matter;
  if (rule.again === 'beside') return undefined;
  const same = inOrder(m, (one) => one.rule === rule.name && one.key === key && one.state.trigger.key !== trigger.key);
  if (rule.again === 'ignore') {
    const first = same.find((one) => one.status !== 'cancelled' && overlaps(one, trigger, due));
    if (!first) return undefined;
    if (first.status === 'waiting' && isBefore(trigger, first.state.trigger))
      return supersede(m, compiled, first, trigger);
    evidence.wait = waitEvidence(first);
    record(m, rule, typesOf(rule), 'already_waiting', alreadyWaitingReason(rule, first), eventIds, evidence);
    return 'superseded';
  }
  const later = laterTrigger(m, compiled, matter, due);
  if (later) {
    const reason = supersededReason(rule, later);
    record(m, rule, typesOf(rule), 'superseded', reason, [...eventIds, later.eventId], evidence);
    return 'superseded';
  }
  const earlier = same.filter(
    (one) => one.status === 'waiting' && trigger.time <= one.dueAt && isBefore(one.state.trigger, trigger),
  );
  let moved: Wait | undefined;
  for (const one of earlier) moved = supersede(m, compiled, one, trigger);
  return moved;
}

/** The one is open, or was, at the time of the other. */
function overlaps(one: Wait, trigger: Trigger, due: Millis): boolean {
  return one.triggerTime <= trigger.time ? trigger.time <= one.dueAt : one.triggerTime <= due;
}

function isBefore(one: Trigger, other: Trigger): boolean {
  return one.time < other.time || (one.time === other.time && one.key < other.key);
}

/** Which trigger it was moved by is told on the decision of that one: here it is only ended. */
function supersede(m: Moment, { rule }: CompiledRule, one: Wait, by: Trigger): Wait {
  endWait(one, 'cancelled', m.now, { event_id: by.eventId, event_type: by.type, at: by.time });
  const ids = [by.eventId, one.state.trigger.eventId];
  const evidence = { ...keyed(one.key), wait: waitEvidence(one) };
  record(m, rule, typesOf(rule), 'superseded', supersededReason(rule, by), ids, evidence);
  return one;
}

/** A trigger that happened later and arrived earlier, and would have restarted this wait. */
function laterTrigger(m: Moment, compiled: CompiledRule, { trigger, key }: Matter, due: Millis): Trigger | undefined {
  const { rule, condition } = compiled;
  return rule.on
    .flatMap((type) => m.person.known.get(type) ?? [])
    .flatMap(({ event }) => (event ? [event] : []))
    .find((event) => {
      if (event.key === trigger.key || !isBefore(trigger, event) || keyOf(compiled, event, m.ids) !== key) return false;
      if (!rule.at?.field && event.time > due) return false;
      return !condition || condition.evaluate(scopeOf(m, { trigger: event })).kind !== 'false';
    });
}

/** What has come already and ends the wait before it begins. */
function endedBefore(m: Moment, compiled: CompiledRule, matter: Matter, due: Millis): boolean {
  const { rule, sameUnless } = compiled;
  const { trigger, eventIds, evidence } = matter;
  const stop = (code: ReasonCode, reason: string, event: KnownEvent) => {
    record(m, rule, typesOf(rule), code, reason, [...eventIds, event.eventId], evidence);
    return true;
  };
  const [cancel] = endingEvents(compiled, m.person, trigger, rule.cancelOn, undefined, due, m.ids);
  if (cancel) return stop('cancelled_by_event', cancelledReason(rule, cancel.event), cancel);
  if (!rule.unless) return false;
  const { events, within, atLeast } = rule.unless;
  const breaking = endingEvents(compiled, m.person, trigger, events, sameUnless, trigger.time + within, m.ids);
  const last = breaking[atLeast - 1];
  return last ? stop('broken_by_event', brokenReason(rule, last.event), last) : false;
}

function seenSoFar(m: Moment, compiled: CompiledRule, { trigger }: Matter): { seen?: number } {
  const { unless } = compiled.rule;
  if (!unless || unless.atLeast === 1) return {};
  const { events, within } = unless;
  const seen = endingEvents(compiled, m.person, trigger, events, compiled.sameUnless, trigger.time + within, m.ids);
  return { seen: seen.length };
}

// ---------------------------------------------------------------------------------------------------------------------
// Bursts

/** The last of a burst is told, when it has been quiet. */
function debounce(m: Moment, compiled: CompiledRule, matter: Matter): void {
  const { rule } = compiled;
  const { trigger, key, eventIds, evidence } = matter;
  const { quiet } = rule.debounce!;
  const bursts = inOrder(m, (one) => one.rule === rule.name && one.key === key && one.kind === 'debounce');
  const burst = bursts.find(
    ({ state, status, dueAt: due }) =>
      status !== 'cancelled' &&
      trigger.time >= (state.first ?? 0) - quiet &&
      trigger.time <= Math.max((state.last ?? 0) + quiet, due),
  );
  if (burst?.status === 'fired') {
    evidence.wait = waitEvidence(burst);
    record(m, rule, typesOf(rule), 'too_late', tooLateReason(trigger, burst), eventIds, evidence);
    return;
  }
  if (burst) {
    const first = Math.min(burst.state.first ?? trigger.time, trigger.time);
    const last = Math.max(burst.state.last ?? trigger.time, trigger.time);
    const isLatest = !isBefore(trigger, burst.state.trigger);
    const told = isLatest ? trigger : burst.state.trigger;
    const matched = isLatest ? matter.matched : burst.state.matched;
    change(burst, quietAt(compiled, first, last), { trigger: plain(told), first, last, ...(matched && { matched }) });
    evidence.wait = waitEvidence(burst);
    record(m, rule, typesOf(rule), 'waiting', waitingReason(rule, burst), eventIds, evidence);
    return;
  }
  const due = quietAt(compiled, trigger.time, trigger.time);
  if (endedBefore(m, compiled, matter, due)) return;
  const state = { trigger: plain(trigger), first: trigger.time, last: trigger.time };
  const opened = open(m, compiled, matter, 'debounce', due, {
    ...state,
    ...(matter.matched && { matched: matter.matched }),
  });
  evidence.wait = waitEvidence(opened);
  record(m, rule, typesOf(rule), 'waiting', waitingReason(rule, opened), eventIds, evidence);
}

function quietAt({ rule }: CompiledRule, first: Millis, last: Millis): Millis {
  const { quiet, atMost = Number.POSITIVE_INFINITY } = rule.debounce!;
  return Math.max(Math.min(last + quiet, first + atMost), last + (rule.unless?.within ?? 0));
}

/** Items are kept together until the window ends. */
function collect(m: Moment, compiled: CompiledRule, matter: Matter): void {
  const { rule } = compiled;
  const { trigger, key, eventIds, evidence } = matter;
  const { keep, firstNow } = rule.digest!;
  const item = itemOf(trigger);
  const [window] = inOrder(
    m,
    (one) => one.rule === rule.name && one.key === key && one.kind === 'digest' && one.status === 'waiting',
  );
  if (window) {
    const { items = [], total = 0, first = trigger.time, last = trigger.time } = window.state;
    const bounds = { first: Math.min(first, trigger.time), last: Math.max(last, trigger.time) };
    const kept = [...items, item].sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0)).slice(-keep);
    const due = digestAt(m, compiled, bounds.first, bounds.last);
    const told = isBefore(trigger, window.state.trigger) ? window.state.trigger : plain(trigger);
    change(
      window,
      Math.max(due, window.kind === 'digest' && rule.digest!.window.kind === 'sliding' ? due : window.dueAt),
      {
        ...window.state,
        ...bounds,
        trigger: told,
        items: kept,
        total: total + 1,
      },
    );
    evidence.wait = waitEvidence(window);
    record(m, rule, typesOf(rule), 'collected', collectedReason(window), eventIds, evidence);
    return;
  }
  const due = digestAt(m, compiled, trigger.time, trigger.time);
  const state: WaitState = { trigger: plain(trigger), first: trigger.time, last: trigger.time };
  if (firstNow) {
    open(m, compiled, matter, 'digest', due, { ...state, items: [], total: 0 });
    evidence.digest = { total: 1, kept: 1 };
    conclude(m, compiled, { ...matter, items: [item], total: 1 });
    return;
  }
  const opened = open(m, compiled, matter, 'digest', due, { ...state, items: [item], total: 1 });
  evidence.wait = waitEvidence(opened);
  record(m, rule, typesOf(rule), 'collected', collectedReason(opened), eventIds, evidence);
}

function digestAt(m: Moment, { rule }: CompiledRule, first: Millis, last: Millis): Millis {
  const { window } = rule.digest!;
  if (window.kind === 'fixed') return first + window.span;
  if (window.kind === 'sliding') return Math.min(last + window.span, first + window.atMost);
  const zone = zoneOf(rule.zone, m.person.profile.traits);
  return nextOccurrence(window.recurrence.cron, zone, first) ?? first;
}

function itemOf(trigger: Trigger): DigestItem {
  const { properties, traits, type, eventId, time } = trigger;
  return { event: properties, traits, event_type: type, event_id: eventId, at: iso(time) };
}

// ---------------------------------------------------------------------------------------------------------------------
// The end of a wait

/** Its time has come: the rule of the catalog it began with acts, or says why not. */
export function fire(m: Moment, one: Wait): void {
  const compiled = m.rules.at(one.catalogVersion).byName.get(one.rule);
  endWait(one, 'fired', m.now);
  if (!compiled || (one.kind === 'digest' && one.state.total === 0)) return;
  const { trigger, matched, items, total } = one.state;
  const evidence: Writable<Evidence> = { ...keyed(one.key), wait: waitEvidence(one) };
  if (items) evidence.digest = { total: total ?? items.length, kept: items.length };
  const told = finish(m, compiled, {
    trigger,
    key: one.key,
    eventIds: [trigger.eventId],
    due: one.dueAt,
    catalogVersion: one.catalogVersion,
    evidence,
    ...(matched && { matched }),
    ...(items && { items, total: total ?? items.length }),
  });
  one.state = { ...one.state, told };
}

/** After a wait: what the condition says now, then what every rule does. */
function finish(m: Moment, compiled: CompiledRule, matter: Matter): boolean {
  const { rule, condition, asksNow } = compiled;
  if (condition && (rule.recheck || asksNow)) {
    const seen = conditionEvidence(condition, scopeOf(m, matter));
    matter.evidence.condition = seen;
    const verdict = conditionVerdict(seen);
    if (verdict) {
      record(m, rule, typesOf(rule), verdict[0], verdict[1], matter.eventIds, matter.evidence);
      return false;
    }
  }
  return conclude(m, compiled, matter);
}

/** One person's turn of a recurring rule. @param due the moment it is for; @param label that moment as local time */
export function recur(m: Moment, compiled: CompiledRule, due: Millis, label: string): void {
  const { rule, audience } = compiled;
  const id = waitId(m, compiled, { key: label });
  if (m.person.waits.has(id)) return;
  const user = m.person.profile.traits;
  if (audience && audience.evaluate({ event: {}, traits: {}, user, now: due }).kind !== 'true') return;
  const trigger: Trigger = {
    key: id,
    eventId: id,
    type: `every ${rule.every?.text}`,
    time: due,
    properties: {},
    traits: {},
  };
  const turn: Wait = {
    waitId: id,
    userId: m.person.userId,
    rule: rule.name,
    key: '',
    kind: 'every',
    catalogVersion: m.rules.active.version,
    beganAt: m.now,
    status: 'waiting',
    dueAt: due,
    triggerTime: due,
    state: { trigger },
    endedAt: null,
    stored: 'new',
  };
  m.person.waits.set(id, turn);
  fire(m, turn);
}

// ---------------------------------------------------------------------------------------------------------------------

function open(
  m: Moment,
  { rule }: CompiledRule,
  { trigger, key }: Matter,
  kind: WaitKind,
  due: Millis,
  state: WaitState,
): Wait {
  const opened: Wait = {
    waitId: waitId(m, { rule }, trigger),
    userId: m.person.userId,
    rule: rule.name,
    key,
    kind,
    catalogVersion: m.rules.active.version,
    beganAt: m.now,
    status: 'waiting',
    dueAt: due,
    triggerTime: trigger.time,
    state,
    endedAt: null,
    stored: 'new',
  };
  m.person.waits.set(opened.waitId, opened);
  return opened;
}

function waitId(m: Moment, { rule }: Pick<CompiledRule, 'rule'>, { key }: { readonly key: string }): string {
  return m.ids.of(`wait ${rule.name}\n${m.person.userId}\n${key}`);
}

function change(one: Wait, due: Millis, state: WaitState): void {
  one.dueAt = due;
  one.triggerTime = state.trigger.time;
  one.state = state;
  if (one.stored === 'same') one.stored = 'changed';
}

/** Only what a trigger is: an event that was received has more. */
function plain({ key, eventId, type, time, properties, traits, depth }: Trigger): Trigger {
  return { key, eventId, type, time, properties, traits, ...(depth !== undefined && { depth }) };
}

/** In order of due time, so that the same waits end in the same order wherever it is decided. */
function inOrder(m: Moment, which: (one: Wait) => boolean): Wait[] {
  return [...m.person.waits.values()]
    .filter(which)
    .sort((a, b) => a.dueAt - b.dueAt || a.triggerTime - b.triggerTime || (a.waitId < b.waitId ? -1 : 1));
}

function keyed(key: string): { key?: string } {
  return key === '' ? {} : { key };
}
