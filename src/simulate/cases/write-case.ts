import { stringify } from 'yaml';
import type { CatalogData } from '../../model/catalog.ts';
import type { Json, JsonObject, Millis } from '../../model/event.ts';
import { isoTime } from '../../time/iso-time.ts';
import { DEFAULT_RUN_AFTER_MS, DEFAULT_USER, parseCases } from './parse-cases.ts';
import { type CaseDecision, compileCaseRules, decideCase } from './run-case.ts';
import { CASES_FILE } from './run-cases.ts';

/** An event of the one user of a case. */
export interface CaseEvent {
  readonly type: string;
  readonly time: Millis;
  readonly receivedAt: Millis;
  readonly properties: JsonObject;
  readonly traits: JsonObject;
}

/** Times at which something happens in a case that is written, at most: a scheduled rule may act each minute. */
const MAX_STEPS = 5000;
/** Longest time (ms) for which a case is decided. */
const MAX_MS: Millis = 1000;

/** Arrivals this much later (ms) than the event are written. */
const LATE_MS: Millis = 60_000;

/**
 * Writes a case as it stands in cases.yaml: these events, and what the catalog decides about them. Personal values are replaced.
 *
 * @param userId replaced by u_1 wherever it stands
 * @throws CatalogError if the catalog rejects an event
 */
export function writeCase(
  data: CatalogData,
  {
    name,
    userId,
    profile,
    events,
  }: {
    readonly name: string;
    readonly userId: string;
    readonly profile: JsonObject;
    readonly events: readonly CaseEvent[];
  },
): string {
  const replace = (value: Json, key = '') => replacePersonal(value, key, userId);
  const written = events.map(({ type, time, receivedAt, properties, traits }) => ({
    at: isoTime(time),
    ...(Math.abs(receivedAt - time) >= LATE_MS && { arrives: isoTime(receivedAt) }),
    [type]: replace(properties),
    ...(Object.keys(traits).length > 0 && { traits: replace(traits) }),
  }));
  const start = {
    name,
    ...(Object.keys(profile).length > 0 && { profile: replace(profile) }),
    events: written,
    until: isoTime(Math.max(...events.map(({ receivedAt }) => receivedAt)) + DEFAULT_RUN_AFTER_MS),
  };
  const expect = decideAll(data, start).flatMap(toExpectation);
  return write({ cases: [{ ...start, expect: expect.length === 0 ? 'none' : expect }] });
}

function decideAll(data: CatalogData, start: object): readonly CaseDecision[] {
  const [one] = parseCases(CASES_FILE, write({ cases: [{ ...start, expect: 'none' }] }), data);
  return one ? decideCase(compileCaseRules(data), one, MAX_STEPS, MAX_MS) : [];
}

function write(document: object): string {
  return stringify(document, { lineWidth: 0, aliasDuplicateObjects: false });
}

/** Sends, and what was held back: a case need not list the rest. */
function toExpectation({ at, decision }: CaseDecision): object[] {
  const { outcome, notification_type: type, reason_code: because } = decision;
  if (outcome === 'not_matched') return [];
  return [{ at: isoTime(at), [type]: outcome, ...(outcome === 'send' ? {} : { because }) }];
}

const NAME = /^(?:first|last|full|given|family|sur|middle|user|nick|display)?[_-]?names?$/i;
const STREET = /street|address|city|postcode|postal|zip|birth/i;
const MASKED_EMAIL = /^\S…@\S+$/u;
const MASKED_PHONE = /^\+?\d{3}…\d\d$/u;

/** Returns a value without personal values, as far as names of fields and masks say so. */
function replacePersonal(value: Json, key: string, userId: string): Json {
  if (typeof value === 'string') return replaceText(value, key, userId);
  if (Array.isArray(value)) return value.map((item) => replacePersonal(item, key, userId));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, replacePersonal(item, name, userId)] as const),
  );
}

function replaceText(text: string, key: string, userId: string): string {
  if (text === userId) return DEFAULT_USER;
  if (MASKED_EMAIL.test(text)) return 'user@example.com';
  if (MASKED_PHONE.test(text)) return '+351910000001';
  if (NAME.test(key)) return 'Alex';
  if (STREET.test(key)) return 'replaced';
  return text.replaceAll('…', '');
}
