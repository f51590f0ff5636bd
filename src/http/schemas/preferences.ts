import { z } from 'zod';
import { CHANNELS } from '../../model/delivery.ts';
import { PLAN_CODES } from '../../model/plan-codes.ts';
import { WEEKDAYS } from '../../model/terms.ts';
import type { EffectiveType } from '../../plan/effective.ts';
import { MAX_PREFERENCES_TOKEN_CHARS } from '../../privacy/preferences-token.ts';
import { json, jsonObject, listOf, timestamp, userId, userIdParam } from './common.ts';

export { pauseChange, preferenceChange } from '../../users/preference-change.ts';

export const preferenceLinkParams = z.object({ token: z.string().min(1).max(MAX_PREFERENCES_TOKEN_CHARS) });

export const preferencesParams = z.object({ user_id: userIdParam });

const level = z.string().meta({ description: 'Where it was decided', examples: ['user: category MARKETING / sms'] });
const since = timestamp.nullable().describe('When the user said so; null: the catalog says so');

const cell = z
  .object({
    on: z.boolean(),
    decided_by: z.object({
      code: z.enum(PLAN_CODES).meta({ examples: ['preference_off'] }),
      level,
      value: json.meta({ examples: ['off'] }),
      since,
    }),
    changeable: z.boolean().describe('Whether the user can change it'),
  })
  .meta({ id: 'PreferenceCell', description: 'Whether a type goes to the user on a channel, and why' });

const type = z
  .object({
    type: z.string().meta({ examples: ['WELCOME_EMAIL'] }),
    description: z.string().nullable().describe('As the catalog describes it'),
    category: z.string().meta({ examples: ['MARKETING'] }),
    channels: z.partialRecord(z.enum(CHANNELS), cell).meta({ description: 'By channel' }),
    frequency: z.string().meta({ examples: ['IMMEDIATE'] }),
  })
  .meta({ id: 'TypePreferences' }) as unknown as z.ZodType<EffectiveType>;

const pauseFields = { until: timestamp, since: timestamp.describe('When it was set') };

export const userPause = z
  .object({
    user_id: userId,
    pause: z
      .object({ ...pauseFields, reason: z.string() })
      .nullable()
      .describe('Null: messages go'),
  })
  .meta({ id: 'UserPause', description: 'Whether the messages to a user are paused' });

export const preferences = z
  .object({
    user_id: userId,
    catalog_version: z.int(),
    types: listOf(type),
    quiet_hours: z
      .object({
        hours: z.string().meta({ examples: ['22:00-08:00 Europe/Berlin (zone of the user)'] }),
        decided_by: z.object({ level: z.string(), since }),
      })
      .nullable()
      .describe('Null: no hours are quiet'),
    digest_time: z
      .object({
        at: z.string().meta({ examples: ['09:00'] }),
        day: z.enum(WEEKDAYS).describe('Of weekly digests'),
        zone: z.string().meta({ examples: ['Europe/Berlin'] }),
        decided_by: z.object({ level: z.string(), since }),
      })
      .describe('When daily and weekly digests are sent'),
    pause: z
      .object({ ...pauseFields, reason: z.string().nullable().describe('Null for the token of a user') })
      .nullable()
      .describe('Until when messages to the user are held; null: they are not'),
    chosen: jsonObject.describe(
      'What the user has chosen themselves: the body of a PUT that leaves everything as it is',
    ),
  })
  .meta({ id: 'Preferences', description: 'What goes to a user, and what decides that' });

const chosen = z
  .object({ off: z.int(), on: z.int() })
  .meta({ id: 'ChosenCount', description: 'Users who turned it off, and on, of those who were counted' });

const chosenByChannel = z.record(z.string(), chosen).describe('By channel; without those of which users said nothing');

const hoursText = z.string().meta({ examples: ['22:00-08:00'] });

export const preferenceOverview = z
  .object({
    catalog_version: z.int(),
    types: listOf(
      z
        .object({
          type: z.string().meta({ examples: ['WELCOME_EMAIL'] }),
          description: z.string().nullable(),
          category: z.string().meta({ examples: ['MARKETING'] }),
          frequency: z.string().meta({ examples: ['IMMEDIATE'] }),
          chosen,
          channels: z
            .record(
              z.string(),
              z.object({
                on: z.boolean().describe('For a user who has said nothing'),
                decided_by: z.object({ code: z.enum(PLAN_CODES), level, value: json, since }),
                changeable: z.boolean().describe('Whether users can change it'),
                chosen,
              }),
            )
            .describe('By channel'),
        })
        .meta({ id: 'TypePolicy' }),
    ),
    categories: listOf(z.object({ category: z.string(), chosen, channels: chosenByChannel })),
    everything: z
      .object({ chosen, channels: chosenByChannel })
      .describe('What users said of all messages, and of all by a channel'),
    users: z
      .object({
        counted: z.int().describe('Users who said something'),
        has_more: z.boolean().describe('True: at least as many users said so, since only some were counted'),
      })
      .describe('Users whose choices were counted'),
    zone: z.string().describe('Of users whose own is not known'),
    quiet_hours: z
      .object({ hours: hoursText, zone: z.string().nullable().describe('Null: that of the user') })
      .nullable()
      .describe('Of users who have not chosen their own; null: none'),
    legal_hours: listOf(
      z.object({
        channel: z.string(),
        hours: hoursText,
        pass: listOf(z.string()).describe('Categories that pass them'),
      }),
    ).describe('Hours in which the law allows messages'),
    digest_time: z.object({ at: z.string().meta({ examples: ['09:00'] }), day: z.enum(WEEKDAYS) }),
    caps: listOf(
      z.object({
        channel: z.string(),
        per_minute: z.int().nullable(),
        per_hour: z.int().nullable(),
        per_day: z.int().nullable(),
        burst: z.int().nullable(),
      }),
    ).describe('The most messages that a user gets'),
    caps_pass: listOf(z.string()).describe('What caps neither hold nor count'),
  })
  .meta({ id: 'PreferenceOverview', description: 'What goes to users who have said nothing, and what others chose' });
