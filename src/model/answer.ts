/**
 * Outcomes of the latest decision to send, over its channels. `sent`: at least one delivery was sent by a provider.
 * `on_its_way`: no delivery was sent yet, and at least one is queued or being sent. `not_delivered`: none was sent, and at
 * least one ended without reaching its channel (no address, retries exhausted, in doubt, dropped, cancelled). `sandboxed`:
 * every delivery was kept in the sandbox or discarded. `waiting`: a rule waits. `not_sent`: no rule decided to send.
 * `unknown_user`: no event of the user was ever received.
 */
export const ANSWERS = [
  'sent',
  'on_its_way',
  'not_delivered',
  'sandboxed',
  'waiting',
  'not_sent',
  'unknown_user',
] as const;
export type Answer = (typeof ANSWERS)[number];
