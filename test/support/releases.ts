/** Returns the files of a catalog with one rule that sends a type when an event comes. @param fields of the event, as YAML */
export function catalogWith(event: string, type = 'OLD', fields = '', rule = ''): { readonly [path: string]: string } {
  return {
    'events.yaml': `events:\n  ${event}: { properties: { ${fields} } }\n`,
    'notifications.yaml': `notifications:\n  ${type}: { category: TRANSACTIONAL, channels: [internal] }\n`,
    'rules.yaml': `rules:\n  SEND: { on: ${event}, notify: ${type}${rule} }\n`,
  };
}
