import { createHash } from 'node:crypto';
import type { Receipt } from '../model/receipt.ts';
import { MAX_ID_CHARS } from './receipt-subject.ts';

/**
 * Returns a receipt as the database can hold it, whatever its provider wrote: without characters that no text may have there, and
 * with an id of at most MAX_ID_CHARS: a hash of a longer one, or of what the receipt says if its id is empty.
 */
export function toStorable(receipt: Receipt): Receipt {
  const clean = cleanTexts(receipt) as Receipt;
  if (clean.id !== '' && clean.id.length <= MAX_ID_CHARS) return clean;
  const text = clean.id === '' ? JSON.stringify(clean) : clean.id;
  return { ...clean, id: createHash('sha256').update(text).digest('base64url') };
}

/** Replaces zero characters and half surrogates in the texts of a receipt: a flat object, some of whose fields are such. */
function cleanTexts(value: unknown): unknown {
  if (typeof value === 'string') return value.replaceAll('\u0000', '\ufffd').toWellFormed();
  if (Array.isArray(value)) return value.map(cleanTexts);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, cleanTexts(one)]));
}
