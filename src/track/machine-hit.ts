import type { Millis } from '../model/event.ts';

/** Time in ms after it was sent within which no reader has an email open: what comes then is a program that checks mail. */
const FASTEST_READER_MS: Millis = 5000;
/** Programs that fetch links and pictures of mail by themselves. */
const MACHINES =
  /bot\b|crawl|spider|scan|preview|prefetch|headless|barracuda|proofpoint|mimecast|safelinks|forcepoint|symantec|trendmicro|sophos|fireeye|curl|wget|python|okhttp|java\/|go-http|node-fetch|axios|libwww|phantomjs/i;
/** Mail of Apple, which fetches every picture in advance, names no more than this; so does no browser. */
const APPLE_MAIL_PRIVACY = /^Mozilla\/5\.0$/;

/** A request for a picture or a link of an email. */
export interface Hit {
  readonly method: string;
  readonly userAgent: string | undefined;
  /** The header `Sec-Purpose`, `Purpose` or `X-Purpose`. */
  readonly purpose: string | undefined;
  readonly at: Millis;
  /** When the email was sent. */
  readonly sentAt: Millis;
}

/** Returns whether a program, and not the reader, has asked for a picture or a link. */
export function isMachineHit({ method, userAgent = '', purpose = '', at, sentAt }: Hit): boolean {
  if (method !== 'GET' || /prefetch|preview|prerender/i.test(purpose)) return true;
  if (at - sentAt < FASTEST_READER_MS) return true;
  const agent = userAgent.trim();
  return agent === '' || APPLE_MAIL_PRIVACY.test(agent) || MACHINES.test(agent);
}
