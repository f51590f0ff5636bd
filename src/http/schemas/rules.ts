import { z } from 'zod';
import type { Rule } from '../../model/catalog.ts';
import { CHANNELS } from '../../model/delivery.ts';
import { json, listOf } from './common.ts';

/* Rules of a catalog, as they are shown: patterns and limits as they are written. */

const span = z.number().describe('In ms');
const text = z.string().describe('As written');
const names = listOf(z.string());

const recurrence = z.object({ text, cron: z.string().describe('Minute, hour, day of month, month, day of week') });

const count = z.object({
  of: names,
  how: z.enum(['at_least', 'at_most', 'exactly']),
  n: z.number(),
  window: z.union([
    z.object({ kind: z.literal('rolling'), span, text }),
    z.object({ kind: z.literal('day'), zone: z.string(), text }),
    z.object({ kind: z.literal('since'), event: z.string(), text }),
  ]),
  same: z.exactOptional(z.string()),
});

const absence = z.object({
  events: names,
  atLeast: z.number(),
  within: span,
  withinText: text,
  same: z.exactOptional(z.string()),
});

const at = z.object({
  text,
  field: z.exactOptional(z.string()),
  offset: span,
  timeOfDay: z.exactOptional(z.number()),
  weekday: z.exactOptional(z.number()),
});

const digest = z.object({
  window: z.union([
    z.object({ kind: z.literal('fixed'), span, text }),
    z.object({ kind: z.literal('sliding'), span, atMost: span, text }),
    z.object({ kind: z.literal('calendar'), recurrence, text }),
  ]),
  keep: z.number(),
  firstNow: z.boolean(),
});

const action = z.union([
  z.object({ kind: z.literal('set'), trait: z.string(), value: z.string() }),
  z.object({ kind: z.literal('emit'), event: z.string(), properties: z.record(z.string(), z.string()) }),
  z.object({ kind: z.literal('cancel'), rule: z.string() }),
]);

const waitPolicy = z.enum(['skip', 'send_now', 'error']);

type RuleView = Omit<Rule, 'after' | 'limits'> & {
  readonly after: readonly { readonly event: string; readonly within: string; readonly same?: string | undefined }[];
  readonly limits: readonly string[];
};

const rule = z.object({
  name: z.string(),
  on: names.describe('Event types that trigger the rule'),
  about: z.exactOptional(names),
  changes: z.exactOptional(listOf(z.object({ trait: z.string(), to: z.exactOptional(json) }))),
  every: z.exactOptional(recurrence),
  audience: z.exactOptional(z.string()),
  segment: z.exactOptional(z.string().describe('Name of the segment whose condition the audience is')),
  zone: z.string(),
  key: z.exactOptional(z.string()),
  when: z.exactOptional(z.string()),
  after: listOf(z.object({ event: z.string(), within: z.string(), same: z.string().optional() })),
  count: z.exactOptional(count),
  unless: z.exactOptional(absence),
  delay: z.exactOptional(z.object({ span, text })),
  at: z.exactOptional(at),
  ifPast: waitPolicy,
  ifMissing: waitPolicy,
  recheck: z.boolean(),
  cancelOn: names,
  again: z.enum(['ignore', 'restart', 'beside']),
  debounce: z.exactOptional(z.object({ quiet: span, atMost: z.exactOptional(span), text })),
  digest: z.exactOptional(digest),
  limits: names,
  group: z.exactOptional(z.string()),
  choose: z.exactOptional(listOf(z.object({ when: z.exactOptional(z.string()), notify: names }))),
  split: z.exactOptional(listOf(z.object({ name: z.string(), share: z.number(), notify: names }))),
  notify: names.describe('Notification types to send, in order'),
  channels: z.exactOptional(listOf(z.enum(CHANNELS))),
  data: z.exactOptional(z.record(z.string(), z.string())),
  variables: z.exactOptional(z.union([z.string(), z.record(z.string(), z.string())])),
  actions: listOf(action),
  expires: z.exactOptional(span),
} satisfies { readonly [field in keyof RuleView]-?: z.ZodType });

/** A rule as it is shown. */
export const catalogRule = rule.meta({
  id: 'Rule',
  description: 'A rule of a catalog',
}) as unknown as z.ZodType<RuleView>;
