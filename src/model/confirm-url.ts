import type { Millis } from './event.ts';

/** In the place of the token of a reader, until a message goes out. */
const STAND_IN = 'READER';

/** A consent that a link confirms. */
export interface ConfirmedByLink {
  readonly consentId: string;
  readonly expiresAt: Millis;
}

/**
 * Returns the stand-in for the link that confirms a consent, as the variable `confirm_url` has it: it confirms nothing, so that who looks
 * at a stored message is not its reader.
 * @param base public URL without a slash at its end
 * @param of absent: a preview
 */
export function toConfirmStandIn(base: string, of?: ConfirmedByLink): string {
  return `${base}/consent/${STAND_IN}${of ? `.${of.consentId}.${of.expiresAt.toString(36)}` : ''}`;
}

/** Returns what finds these stand-ins in a text, with the id of the consent and the time as groups. */
export function confirmStandIns(base: string): RegExp {
  const start = `${base}/consent/${STAND_IN}`.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`${start}\\.([0-9a-f-]{36})\\.([0-9a-z]{1,12})`, 'g');
}
