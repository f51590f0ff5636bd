import { DEFAULT_TENANT } from '../../model/event.ts';

/** The message of a status callback, as the URL that we gave with it says: Twilio signs the URL. */
export interface CallbackReference {
  readonly reference: string;
  readonly tenantId: string;
}

/** Longest value of a parameter in characters. */
const MAX_VALUE_CHARS = 200;

/** Returns the query of the status callback of a message: a callback may come before the id of the message was recorded. */
export function writeCallbackQuery({ reference, tenantId }: CallbackReference): string {
  const query = new URLSearchParams({ delivery: reference });
  if (tenantId !== DEFAULT_TENANT) query.set('tenant', tenantId);
  return query.toString();
}

/** Reads the query of a status callback; undefined: its URL names no message. */
export function readCallbackQuery(url: string): CallbackReference | undefined {
  if (!URL.canParse(url)) return undefined;
  const query = new URL(url).searchParams;
  const reference = query.get('delivery') ?? '';
  const tenantId = query.get('tenant') ?? DEFAULT_TENANT;
  if (reference === '' || reference.length > MAX_VALUE_CHARS || tenantId.length > MAX_VALUE_CHARS) return undefined;
  return { reference, tenantId };
}
