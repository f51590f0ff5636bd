/** What to do about an event that was refused, by the code of its refusal: docs/errors.md in short. */
export const WHAT_TO_DO: Readonly<Record<string, string>> = {
  invalid_event: 'Whoever sends it has to send the fields of an event, each with its type.',
  invalid_id: 'Whoever sends it has to shorten or clean the id or the type.',
  invalid_timestamp: 'Whoever sends it has to write the time with a zone, like 2025-10-31T19:00:00Z.',
  invalid_content: 'Whoever sends it has to mend the value: as it is, it cannot be stored.',
  unknown_field: 'Whoever sends it has to use the name that the message proposes.',
  schema_mismatch: 'Mend the value where it is sent, or the schema in events.yaml and try again.',
  undecidable: 'Our own fault: whoever runs Tidings finds the error in its log. Try again when it is mended.',
  event_id_conflict: 'An event with this id is stored already, with other content. A new event needs an id of its own.',
};
