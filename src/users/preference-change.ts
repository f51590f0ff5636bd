import { z } from 'zod';
import { CATEGORIES } from '../model/catalog.ts';
import { CHANNELS, type Channel } from '../model/delivery.ts';
import type { JsonObject } from '../model/event.ts';
import {
  type DigestTime,
  FREQUENCIES,
  MAX_PAUSE_REASON_CHARS,
  type Pause,
  type PreferenceScope,
  type QuietHours,
  type ScopeTerms,
  WEEKDAYS,
} from '../model/terms.ts';
import { findZone } from '../time/zone.ts';

/** Notification types that one change may name. */
const MAX_TYPES = 200;

const UNSET = 'null: what was said before no longer holds';

const onOff = z.boolean().nullable().describe(`Whether it is on; ${UNSET}`);

const channelSwitches = Object.fromEntries(CHANNELS.map((channel) => [channel, z.exactOptional(onOff)])) as {
  readonly [channel in Channel]: z.ZodExactOptional<typeof onOff>;
};

const categoryCell = z
  .strictObject({ enabled: z.exactOptional(onOff), ...channelSwitches })
  .meta({ id: 'CategoryChange', examples: [{ sms: false }] });

const typeCell = z
  .strictObject({
    enabled: z.exactOptional(onOff),
    channels: z.exactOptional(
      z
        .array(z.enum(CHANNELS))
        .max(CHANNELS.length)
        .nullable()
        .describe(`The channels that are on; the others are off. ${UNSET}`),
    ),
    frequency: z.exactOptional(z.enum(FREQUENCIES).nullable().describe(`How often at most; ${UNSET}`)),
    ...channelSwitches,
  })
  .meta({ id: 'TypeChange', examples: [{ channels: ['email'], enabled: true }] });

const TIME = /^([01]\d|2[0-3]):[0-5]\d$/;
const timeOfDay = z
  .string()
  .regex(TIME, 'write a time of day as 22:00')
  .meta({ examples: ['22:00'] });

const quietHours = z
  .strictObject({
    enabled: z.exactOptional(z.boolean().describe('false: none, whatever the default of the tenant is')),
    start: z.exactOptional(timeOfDay),
    end: z.exactOptional(timeOfDay.describe('Excluded; before the start: on the next day')),
    zone: z.exactOptional(
      z
        .string()
        .max(64)
        .refine((name) => findZone(name) !== undefined, 'write a time zone such as Europe/Berlin')
        .nullable()
        .describe('Default: the zone of the user'),
    ),
  })
  .refine(
    ({ enabled, start, end }) => enabled === false || (start !== undefined && end !== undefined && start !== end),
    'write a start and an end that differ',
  )
  .meta({ id: 'QuietHoursChange', examples: [{ start: '22:00', end: '08:00', zone: 'Europe/Berlin' }] });

const digestTime = z
  .strictObject({
    at: z.exactOptional(timeOfDay.nullable().describe('Null or absent: as the tenant says')),
    day: z.exactOptional(z.enum(WEEKDAYS).nullable().describe('Of weekly digests. Null or absent: as the tenant says')),
  })
  .meta({ id: 'DigestTimeChange', examples: [{ at: '18:00', day: 'friday' }] });

const fields = {
  all: z.exactOptional(
    z
      .union([z.boolean(), z.literal('only_listed')])
      .nullable()
      .describe(`Everything; only_listed: only what is turned on for a type, category or channel. ${UNSET}`),
  ),
  types: z.exactOptional(
    z
      .record(z.string().min(1).max(128), typeCell)
      .refine((types) => Object.keys(types).length <= MAX_TYPES, `at most ${MAX_TYPES} types fit in a change`)
      .describe('By notification type'),
  ),
  categories: z.exactOptional(z.partialRecord(z.enum(CATEGORIES), categoryCell).describe('By category')),
  channels: z.exactOptional(z.partialRecord(z.enum(CHANNELS), onOff).describe('By channel')),
  quiet_hours: z.exactOptional(quietHours.nullable().describe('Hours without messages that can wait')),
  digest_time: z.exactOptional(
    digestTime.nullable().describe(`When daily and weekly digests are sent, in the zone of the user; ${UNSET}`),
  ),
};

/** A pause of the messages to a user. */
export const pauseChange = z
  .strictObject({
    until: z.iso.datetime({ offset: true, error: 'write a time with a zone, such as 2026-11-02T09:30:00Z' }),
    reason: z
      .string()
      .min(1)
      .max(MAX_PAUSE_REASON_CHARS)
      .refine((text) => !text.includes('\0') && text.isWellFormed(), 'has a character that cannot be stored')
      .describe('Shown to those who ask why a message waits, and not to the user'),
  })
  .meta({ id: 'NewPause', examples: [{ until: '2026-11-09T09:00:00Z', reason: 'Complaint, ticket 4711' }] });

/** A change of preferences: the body of PATCH, and the properties of `preference.updated`. */
export const preferenceChange = z
  .strictObject(fields)
  .meta({ id: 'PreferenceChange', examples: [{ categories: { MARKETING: { sms: false } } }] });

/** Content of one change. */
export interface PreferenceChange {
  readonly said: readonly (readonly [scope: PreferenceScope, field: keyof ScopeTerms, value: unknown])[];
  /** Undefined: nothing. */
  readonly quiet: QuietHours | 0 | null | undefined;
  /** Undefined: nothing. */
  readonly digest: DigestTime | null | undefined;
  /** Undefined: nothing. */
  readonly pause: Pause | null | undefined;
  /** Whether everything that was said before no longer holds, but for a pause. */
  readonly replace: boolean;
}

/** Reads the properties of a `preference.updated`. What they have beside the known fields is ignored. */
export function readPreferenceChange(properties: JsonObject): PreferenceChange {
  const said: [PreferenceScope, keyof ScopeTerms, unknown][] = [];
  const { all, quiet_hours: quiet, digest_time: digest, pause } = properties;
  if (isOnOff(all)) said.push(['*', 'on', toSwitch(all)]);
  else if (all === 'only_listed') said.push(['*', 'on', 'listed']);
  for (const [channel, value] of entriesOf(properties.channels)) addSwitch(said, `ch:${channel}`, value);
  for (const [name, cell] of entriesOf(properties.categories)) addCell(said, `c:${name}`, cell);
  for (const [name, cell] of entriesOf(properties.types)) addCell(said, `t:${name}`, cell);
  return {
    said,
    quiet: quiet === undefined ? undefined : readQuietHours(quiet),
    digest: digest === undefined ? undefined : readDigestTime(digest),
    pause: pause === undefined ? undefined : readPause(pause),
    replace: properties.replace === true,
  };
}

function addCell(said: [PreferenceScope, keyof ScopeTerms, unknown][], scope: PreferenceScope, cell: unknown): void {
  for (const [name, value] of entriesOf(cell)) {
    if (name === 'enabled') addSwitch(said, scope, value);
    else if (name === 'channels') {
      if (value === null || Array.isArray(value)) said.push([scope, 'channels', value && [...value].sort()]);
    } else if (name === 'frequency') {
      if (value === null || (FREQUENCIES as readonly unknown[]).includes(value)) said.push([scope, 'freq', value]);
    } else if ((CHANNELS as readonly string[]).includes(name)) addSwitch(said, `${scope}/${name}`, value);
  }
}

function addSwitch(said: [PreferenceScope, keyof ScopeTerms, unknown][], scope: PreferenceScope, value: unknown): void {
  if (isOnOff(value)) said.push([scope, 'on', toSwitch(value)]);
}

function isOnOff(value: unknown): value is boolean | null {
  return typeof value === 'boolean' || value === null;
}

function toSwitch(value: boolean | null): 0 | 1 | null {
  return value === null ? null : value ? 1 : 0;
}

function readQuietHours(quiet: unknown): QuietHours | 0 | null | undefined {
  if (quiet === null) return null;
  const { enabled, start, end, zone } = Object.fromEntries(entriesOf(quiet));
  if (enabled === false) return 0;
  const [from, to] = [toMinutes(start), toMinutes(end)];
  return from === undefined || to === undefined ? undefined : [from, to, typeof zone === 'string' ? zone : null];
}

function readPause(pause: unknown): Pause | null | undefined {
  if (pause === null) return null;
  const { until, reason } = Object.fromEntries(entriesOf(pause));
  const end = typeof until === 'string' ? Date.parse(until) : Number.NaN;
  return Number.isNaN(end) ? undefined : [end, typeof reason === 'string' ? reason : ''];
}

function readDigestTime(digest: unknown): DigestTime | null | undefined {
  if (digest === null) return null;
  if (typeof digest !== 'object') return undefined;
  const { at, day } = Object.fromEntries(entriesOf(digest));
  const place = (WEEKDAYS as readonly unknown[]).indexOf(day);
  return [toMinutes(at) ?? null, place < 0 ? null : place + 1];
}

function toMinutes(text: unknown): number | undefined {
  if (typeof text !== 'string' || !TIME.test(text)) return undefined;
  return Number(text.slice(0, 2)) * 60 + Number(text.slice(3));
}

function entriesOf(value: unknown): [string, unknown][] {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : [];
}
