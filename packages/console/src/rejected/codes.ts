/** Advice for a rejected event by code; a short form of docs/errors.md. */
export const ADVICE_BY_CODE: Readonly<Record<string, string>> = {
  invalid_event: 'Fix the sender: send the fields of an event, each with its type.',
  invalid_id: 'Fix the sender: shorten or clean the ID or the type.',
  invalid_timestamp: 'Fix the sender: write the time with a zone, like 2025-10-31T19:00:00Z.',
  invalid_content: 'Fix the sender: the value cannot be stored as it is.',
  unknown_field: 'Fix the sender: use the name that the message suggests.',
  schema_mismatch: 'Fix the value at the sender, or the schema in events.yaml, then retry.',
  undecidable: 'A bug in Tidings: an operator finds the error in the log. Retry after an update.',
  event_id_conflict: 'An event with this id is stored already, with other content. A new event needs an id of its own.',
};
