import { type Files, listMistakes } from './catalog.ts';

/** A catalog for tests of the keys of one rule. */

export const EVENTS = `traits:
  plan: { enum: [free, pro] }
  role: string
  plan_hint: string
  vip: boolean
  trial_ends_at: timestamp
events:
  signup_completed: { properties: { plan: string } }
  booking_confirmed: { properties: { booking_id: string, starts_at: timestamp, seats: integer } }
  booking_rescheduled: { properties: { booking_id: string, starts_at: timestamp } }
  booking_cancelled: { properties: { booking_id: string } }
  card_declined: { properties: { card_id: string, amount: number } }
  vip_reached: { properties: { total: number, at: timestamp }, required: [total] }
  seat_given:
    schema:
      properties: { seats: { type: integer }, row: {}, by: { $ref: '#/$defs/time' } }
      $defs: { time: { type: string, format: date-time } }
      if: { properties: { seats: { const: 1 } }, required: [seats] }
      then: { properties: { row: { const: A } } }
      else: { properties: { row: { const: B } } }
`;
const NOTIFICATIONS = `notifications:
  TELL: { category: SYSTEM, channels: [internal, webhook] }
  PRO_TIP: { category: MARKETING, channels: [internal] }
  FREE_TIP: { category: MARKETING, channels: [internal] }
`;

/** Returns a catalog with the rule TELL of these lines, after `before` (more rules, or groups). */
export function buildRuleFiles(lines: string, before = ''): Map<string, string> {
  const body = lines
    .split('\n')
    .map((line) => `    ${line}\n`)
    .join('');
  return new Map([
    ['events.yaml', EVENTS],
    ['notifications.yaml', NOTIFICATIONS],
    ['rules.yaml', `${before}rules:\n  TELL:\n${body}`],
  ]);
}

/** Returns the mistakes in rules.yaml as `line:column: message (hint)`. */
export async function formatRuleMistakes(files: Files): Promise<string[]> {
  const mistakes = await listMistakes(files);
  return mistakes.map(({ line, column, message, hint }) => `${line}:${column}: ${message}${hint ? ` (${hint})` : ''}`);
}
