import { z } from 'zod';
import { CERTAINTIES, CHANNEL_STATES, ENTRY_OUTCOMES, REACHED_BOUNDS, SOURCES } from '../../forecast/entry.ts';
import { CHANNELS } from '../../model/delivery.ts';
import { idOf, listOf, timestamp, userId } from './common.ts';

const MAX_DAYS = 31;

const DAYS_HINT = `write days from 1 to ${MAX_DAYS}`;

export const forecastQuery = z.strictObject({
  days: z.coerce
    .number(DAYS_HINT)
    .int(DAYS_HINT)
    .min(1, DAYS_HINT)
    .max(MAX_DAYS, DAYS_HINT)
    .default(7)
    .meta({ description: 'Days from now on', examples: [7] }),
});

const localTime = z.string().meta({ description: 'The same by the clock of the user', examples: ['2025-11-21T09:00'] });

const forecastChannel = z
  .object({
    channel: z.enum(CHANNELS),
    state: z
      .enum(CHANNEL_STATES)
      .describe(
        'goes: at its time; waits: a policy moves it to its time, or it is tried again then; digest: it becomes an item of a digest that is due then; fallback: only if the channels before it fail; held: it waits until someone acts, for which there is no time; held_back: it does not go',
      ),
    at: timestamp.describe('When it goes; of held and held_back, when that is found'),
    local: localTime,
    code: z
      .string()
      .nullable()
      .meta({ description: 'Code of what decided its state; null: nothing is in its way', examples: ['quiet_hours'] }),
    reason: z.string().nullable(),
  })
  .meta({ id: 'ForecastChannel', description: 'A channel of a forecast message' });

const forecastEntry = z
  .object({
    at: timestamp.describe('When the first channel goes; of what is held back, when that is decided'),
    local: localTime,
    notification_type: z.string(),
    rule: z.string().nullable().describe('The rule that decides; null: a request or a digest that the user wants'),
    source: z
      .enum(SOURCES)
      .describe(
        'delivery: it waits in the queue; request: it was asked for, for later; wait: a wait or a digest ends; schedule: a scheduled rule; event: an event that a rule emits',
      ),
    wait_id: idOf('wait').nullable(),
    notification_id: idOf('notification').nullable().describe('Null: it is not stored yet'),
    certainty: z
      .enum(CERTAINTIES)
      .describe(
        'scheduled: stored with its time; if_nothing_else_happens: a rule decides it then, by what is known then',
      ),
    outcome: z.enum(ENTRY_OUTCOMES).describe('As things are now'),
    why: z.string().meta({ examples: ['TRIAL_ENDING waits since trial_started of 20 November 2025 at 12:00 UTC.'] }),
    reason_code: z.string().meta({ examples: ['matched'] }),
    reason: z.string().describe('The sentence of the decision, as it would be made'),
    channels: listOf(forecastChannel),
  })
  .meta({ id: 'ForecastEntry', description: 'A message that a user will get, or that something holds back' });

export const forecast = z
  .object({
    user_id: userId,
    from: timestamp,
    until: timestamp,
    known_until: timestamp.describe('Everything before this time is in it'),
    reached: z
      .enum(REACHED_BOUNDS)
      .nullable()
      .describe(
        'The bound for which known_until is before until, or messages may be missing (queue); null: no bound was reached',
      ),
    time_zone: z.string().meta({ description: 'Zone of the user, or UTC', examples: ['Europe/Lisbon'] }),
    entries: listOf(forecastEntry).describe('In order of time'),
  })
  .meta({ id: 'Forecast', description: 'What a user will get if nothing else happens' });
