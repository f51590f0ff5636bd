/** Names of the types of JSON values in texts, with their articles, by the names that zod has for what it expected. */
export const JSON_TYPE_NAMES: { readonly [type: string]: string | undefined } = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'a JSON object',
  record: 'a JSON object',
  array: 'a list',
};
