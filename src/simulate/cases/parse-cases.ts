import { LIFECYCLE_EVENTS } from '../../catalog/lifecycle-events.ts';
import {
  checkFilled,
  type Fields,
  isName,
  parseEntries,
  parseFields,
  parseFreeText,
  parseKeyword,
  parseText,
} from '../../catalog/parse/fields.ts';
import { suggest } from '../../catalog/parse/suggest.ts';
import { type Entry, parseYaml, type Text, type Tree, toJson, type YamlFile } from '../../catalog/parse/yaml.ts';
import { Problems } from '../../catalog/problems.ts';
import { compileSchemas } from '../../catalog/schemas/validate-event.ts';
import { isRejection, parseEvent, type ReceivedEvent, withPostedAddresses } from '../../events/envelope.ts';
import { compileMappings, type Mappings } from '../../events/envelopes/mappings.ts';
import { parseItem } from '../../events/parse-item.ts';
import type { CatalogData } from '../../model/catalog.ts';
import { OUTCOMES, type Outcome, REASON_CODES, type ReasonCode } from '../../model/decision.ts';
import { type Json, type JsonObject, type Millis, PROFILE_UPDATED, type ValidateEvent } from '../../model/event.ts';
import { DAY_MS, isoTime } from '../../time/iso-time.ts';
import { parseTimestamp } from '../../time/timestamp.ts';
import { bindConsent, findTermsMistake } from './stated-terms.ts';

/** A test case: events, and the decisions they must lead to. */
export interface Case {
  readonly name: string;
  /** Line in its file, from 1. */
  readonly line: number;
  /** Traits of `u_1` before the first event. */
  readonly profile?: JsonObject;
  /** When the clock starts, and how long it runs on. */
  readonly from: Millis;
  readonly until: Millis;
  /** In order of arrival. */
  readonly events: readonly Arrival[];
  readonly expect: readonly Expectation[];
}

export interface Arrival {
  readonly at: Millis;
  readonly event: ReceivedEvent;
}

/** One expected decision. An unexpected send is a failure; other outcomes need not be listed. */
export interface Expectation {
  readonly line: number;
  readonly user: string;
  /** A notification type, or the name of a rule without notifications. */
  readonly type: string;
  readonly outcome: Outcome;
  readonly because?: ReasonCode;
  /** When it was decided. */
  readonly at?: Millis;
  /** Values that the template data must contain. */
  readonly data?: Json;
  readonly items?: Json;
  readonly total?: number;
}

/** The user of a case that names no user. */
export const DEFAULT_USER = 'u_1';

/** Default time (ms) that the clock runs on after the last event. */
export const DEFAULT_RUN_AFTER_MS = 30 * DAY_MS;

const CASE = 'name: welcomed once; events: […]; expect: […]';
const EVENT = '{ at: 2025-11-03T09:00Z, signup_completed: { plan: pro } }';
const EXPECTED = '{ at: 2025-11-03T09:00Z, WELCOME_EMAIL: send }';
const EVENT_KEYS = ['at', 'arrives', 'user', 'id', 'traits'];
/** An event with one of these is written as it is posted: in the envelope of Tidings, as a CloudEvent, or as a domain event. */
const POSTED_KEYS: ReadonlySet<string> = new Set(['event_type', 'specversion', 'eventType']);
const EXPECT_KEYS = ['at', 'user', 'because', 'data', 'items', 'total'];

/**
 * Reads cases.yaml beside a catalog.
 *
 * @throws CatalogError with every error and its place
 */
export function parseCases(name: string, source: string, data: CatalogData): Case[] {
  const problems = new Problems();
  const file = parseYaml(name, source, problems);
  const cases = file.root ? parseAll(new Reader(file, source, data), file.root) : [];
  problems.throwIfAny();
  return cases;
}

class Reader {
  readonly file: YamlFile;
  readonly eventTypes: ReadonlySet<string>;
  /** Names that a case may expect: notification types and rules. */
  readonly outcomes: ReadonlySet<string>;
  readonly check: ValidateEvent;
  readonly mappings: Mappings;
  readonly #source: string;

  constructor(file: YamlFile, source: string, data: CatalogData) {
    this.file = file;
    this.#source = source;
    const events = [...data.events, ...LIFECYCLE_EVENTS].map((type) => type.name);
    this.eventTypes = new Set([...events, PROFILE_UPDATED]);
    this.outcomes = new Set([...data.notifications, ...data.rules].map((one) => one.name));
    this.check = compileSchemas(data);
    this.mappings = compileMappings(data);
  }

  problem(at: number, message: string, hint?: string): void {
    this.file.report(at, message, hint);
  }

  line(at: number): number {
    return this.#source.slice(0, at).split('\n').length;
  }

  text(entry: Entry | undefined, example: string): Text | undefined {
    return entry && parseText(this.file, entry.value, `"${entry.key}"`, example);
  }

  freeText(entry: Entry | undefined, example: string): Text | undefined {
    return entry && parseFreeText(this.file, entry.value, `"${entry.key}"`, example);
  }

  time(entry: Entry | undefined, example: string): Millis | undefined {
    const text = this.text(entry, example);
    if (!entry || !text) return undefined;
    const read = parseTimestamp(text.text);
    if ('time' in read) return read.time;
    this.problem(text.at, `"${entry.key}" ${read.problem}`);
    return undefined;
  }
}

function parseAll(r: Reader, root: Tree): Case[] {
  const top = parseFields(r.file, root, r.file.name, ['cases'], `cases: [{ ${CASE} }]`);
  const list = top.get('cases')?.value;
  if (list?.kind === 'list') return list.items.flatMap((item) => parseCase(r, item) ?? []);
  r.problem(list?.at ?? 0, '"cases" is needed, a list', `cases: [{ ${CASE} }]`);
  return [];
}

function parseCase(r: Reader, tree: Tree): Case | undefined {
  const found = parseFields(r.file, tree, 'a case', ['name', 'profile', 'from', 'events', 'until', 'expect'], CASE);
  const name = r.freeText(found.get('name'), 'name: welcomed once');
  for (const key of ['name', 'expect']) {
    if (!found.has(key)) r.problem(tree.at, `the case has no "${key}"`, key === 'name' ? CASE : 'expect: none');
  }
  const profile = found.get('profile');
  const traits = profile && parseObject(r, profile);
  const misfit = traits && r.check('', {}, traits);
  if (misfit) r.problem(profile!.at, `${misfit.path.replace('user_traits', 'profile')} ${misfit.message}`);
  const items = parseItems(r, found.get('events'), EVENT);
  const events = items.flatMap((item) => parseArrival(r, item) ?? []);
  events.sort((a, b) => a.at - b.at);
  const from = r.time(found.get('from'), 'from: 2025-11-01T00:00Z') ?? events[0]?.at;
  if (
    from === undefined &&
    items.length === 0 &&
    ['list', 'null'].includes(found.get('events')?.value.kind ?? 'null')
  ) {
    r.problem(
      found.get('events')?.at ?? tree.at,
      'the case has no events and does not say when it begins',
      'from: 2025-11-01T00:00Z',
    );
  }
  const until = r.time(found.get('until'), 'until: 2025-12-01T00:00Z');
  const last = events.at(-1)?.at ?? from ?? 0;
  if (until !== undefined && until < last) r.problem(found.get('until')!.at, '"until" is before the last event');
  const expect = parseExpectations(r, found);
  if (!name || from === undefined) return undefined;
  return {
    name: name.text,
    line: r.line(tree.at),
    ...(traits && { profile: traits }),
    from: Math.min(from, events[0]?.at ?? from),
    until: until ?? last + DEFAULT_RUN_AFTER_MS,
    events,
    expect,
  };
}

function parseItems(r: Reader, entry: Entry | undefined, example: string): readonly Tree[] {
  if (!entry) return [];
  if (entry.value.kind === 'list') return entry.value.items;
  if (entry.value.kind !== 'null') r.problem(entry.value.at, `"${entry.key}" is a list`, `- ${example}`);
  return [];
}

function parseObject(r: Reader, { key, value }: Entry): JsonObject | undefined {
  if (value.kind === 'map') return toJson(value) as JsonObject;
  if (value.kind !== 'null') r.problem(value.at, `"${key}" needs an object`, `${key}: {}`);
  return {};
}

/** The one key beside the known ones, which is a name and says the most. */
function parseNamed(r: Reader, tree: Tree, what: string, known: readonly string[], example: string) {
  checkFilled(r.file, tree, what, example);
  const entries = parseEntries(r.file, tree, what, example);
  const rest = entries.filter(({ key }) => !known.includes(key));
  const subject = rest[0];
  if (rest.length !== 1 || !subject) {
    const message =
      rest.length === 0 ? 'does not say what happens' : `says ${rest.map(({ key }) => key).join(' and ')}`;
    if (tree.kind === 'map') r.problem(rest[1]?.at ?? tree.at, `${what} ${message}`, example);
    return undefined;
  }
  const found: Fields = new Map(entries.filter((one) => one !== subject).map((one) => [one.key, one]));
  return { subject, found };
}

function parseArrival(r: Reader, tree: Tree): Arrival | undefined {
  if (tree.kind === 'map' && tree.entries.some(({ key }) => POSTED_KEYS.has(key))) return parsePosted(r, tree);
  const read = parseNamed(r, tree, 'an event', EVENT_KEYS, EVENT);
  if (!read) return undefined;
  const { subject, found } = read;
  if (!r.eventTypes.has(subject.key)) {
    r.problem(subject.at, `no event is called ${JSON.stringify(subject.key)}`, suggest(subject.key, r.eventTypes));
    return undefined;
  }
  if (!found.has('at')) r.problem(tree.at, 'the event does not say when it happened', EVENT);
  const time = r.time(found.get('at'), EVENT);
  const arrives = r.time(found.get('arrives'), EVENT);
  if (time === undefined) return undefined;
  const id = r.freeText(found.get('id'), 'id: e_1');
  const traits = found.get('traits');
  const event = parseEvent(
    '',
    {
      ...(id && { event_id: id.text }),
      user_id: r.freeText(found.get('user'), 'user: u_2')?.text ?? DEFAULT_USER,
      event_type: subject.key,
      event_timestamp: isoTime(time),
      properties: parseObject(r, subject) ?? {},
      user_traits: traits ? (parseObject(r, traits) ?? {}) : {},
    },
    r.check,
  );
  if (isRejection(event)) {
    r.problem(event.path.startsWith('user_traits') ? traits!.at : subject.at, event.message);
    return undefined;
  }
  const misfit = findTermsMistake(event);
  if (misfit) r.problem(subject.at, misfit);
  return { at: arrives ?? time, event: withPostedAddresses(bindConsent(event)) };
}

/** Parses an event that is written as it is posted; `arrives` is when it was, and the time of an event that says none. */
function parsePosted(r: Reader, tree: Extract<Tree, { kind: 'map' }>): Arrival | undefined {
  const arriving = tree.entries.find(({ key }) => key === 'arrives');
  const arrives = r.time(arriving, EVENT);
  if (arriving && arrives === undefined) return undefined;
  const { arrives: _, ...item } = toJson(tree) as JsonObject;
  const event = parseItem('', item, { validate: r.check, mappings: r.mappings }, undefined, arrives);
  const name = isRejection(event) ? event.path.match(/^[^.[]*/)?.[0] : undefined;
  const at = tree.entries.find(({ key }) => key === name)?.at ?? tree.at;
  if (isRejection(event)) {
    r.problem(at, event.message);
    return undefined;
  }
  if (!r.eventTypes.has(event.type)) {
    r.problem(at, `no event is called ${JSON.stringify(event.type)}`, suggest(event.type, r.eventTypes));
    return undefined;
  }
  return { at: arrives ?? event.time, event: withPostedAddresses(event) };
}

function parseExpectations(r: Reader, found: Fields): Expectation[] {
  const entry = found.get('expect');
  if (!entry || (entry.value.kind === 'text' && entry.value.text === 'none')) return [];
  return parseItems(r, entry, EXPECTED).flatMap((item) => parseExpectation(r, item) ?? []);
}

function parseExpectation(r: Reader, tree: Tree): Expectation | undefined {
  const read = parseNamed(r, tree, 'an expectation', EXPECT_KEYS, EXPECTED);
  if (!read) return undefined;
  const { subject, found } = read;
  const type = subject.key;
  if (!r.outcomes.has(type)) {
    const what = isName(type)
      ? `no notification is called ${JSON.stringify(type)}`
      : `${JSON.stringify(type)} is no name`;
    r.problem(subject.at, what, suggest(type, r.outcomes));
  }
  const said = parseText(r.file, subject.value, type, EXPECTED);
  const outcome = said && parseKeyword(r.file, said, 'an outcome', OUTCOMES);
  const because = r.text(found.get('because'), 'because: condition_false');
  const code = because && parseKeyword(r.file, because, 'a reason code', REASON_CODES);
  const at = r.time(found.get('at'), EXPECTED);
  const total = found.get('total')?.value;
  if (total && total.kind !== 'number') r.problem(total.at, '"total" is a number', 'total: 3');
  if (!outcome) return undefined;
  const [data, items] = [found.get('data'), found.get('items')];
  return {
    line: r.line(tree.at),
    user: r.freeText(found.get('user'), 'user: u_2')?.text ?? DEFAULT_USER,
    type,
    outcome,
    ...(code && { because: code }),
    ...(at !== undefined && { at }),
    ...(data && { data: toJson(data.value) }),
    ...(items && { items: toJson(items.value) }),
    ...(total?.kind === 'number' && { total: total.value }),
  };
}
