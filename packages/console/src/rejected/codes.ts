import { t } from '../text/text.ts';

/** Advice by rejection code: a short form of the table in docs/errors.md, with the same codes. */
export const ADVICE_BY_CODE: Readonly<Record<string, string>> = {
  invalid_event: t('Fix the sender: send every field of an event with its type.'),
  user_missing: t('Say in the mapping of events.yaml where an event names its user, then retry.'),
  invalid_id: t('Fix the sender: shorten the ID or type, or remove its control characters.'),
  invalid_timestamp: t('Fix the sender: send the time with a zone, like 2025-10-31T19:00:00Z.'),
  invalid_content: t('Fix the sender: change or remove the value, which cannot be stored.'),
  unknown_field: t('Fix the sender: use the name that the message suggests, or remove the field.'),
  event_in_future: t('Check the clock and the time zone of the sender, then send the event with its true time.'),
  profile_too_large: t(
    'Put what belongs to the event into its properties; a profile has at most 1000 traits and 64 KiB.',
  ),
  schema_mismatch: t('Fix the value in the sender, or fix the schema in events.yaml and retry.'),
  too_costly: t('Do not send the event again: narrow the windows of the rules for this event type, then retry.'),
  user_erased: t('Do not send the event again: its user was erased. An event with a later time makes the user anew.'),
  undecidable: t('Do not send the event again: find the error of Tidings in the log, and retry after a fix.'),
  event_id_conflict: t('Fix the sender: give each new event its own ID. This ID is stored with different content.'),
};
