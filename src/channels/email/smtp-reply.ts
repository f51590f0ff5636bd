import type { FailureScope } from '../../model/delivery.ts';

/** A reply of a mail server that rejects a message, for now or for good. */
export interface SmtpReply {
  /** Reply code (RFC 5321), 400 to 599. */
  readonly code: number;
  /**
   * Subject and detail of the enhanced status code (RFC 3463), for example `2.2` of `4.2.2`; undefined: the reply has no such
   * code.
   */
  readonly status: string | undefined;
  /** The command that was rejected: `MAIL FROM`, `RCPT TO` or `DATA`. */
  readonly command: string | undefined;
}

/** Replies about the session, not the message: authentication required, or a command out of sequence. */
const SESSION_CODES = [454, 503, 530, 534, 535, 538];

/** Subject and detail that say that the address does not exist, or no longer accepts messages. */
const DEAD_ADDRESS = /^(?:1\.(?:1|2|3|6|10)|2\.1|4\.4)$/;

/** Scopes of enhanced status codes; the first match counts. RFC 3463, and the IANA registry for 7.8 and above. */
const CONCERNS: readonly (readonly [RegExp, FailureScope])[] = [
  // The sender's address, credentials, flood limits.
  [/^1\.[78]$/, 'account'],
  [/^7\.(?:8|9|11|12|13|14|28)$/, 'account'],
  // SPF, DKIM, DMARC, reverse DNS and TLS rules of the recipient's domain.
  [/^7\.(?:2\d|3\d)$/, 'domain'],
  [/^7\./, 'recipient'],
  [/^[12]\.[1-9]/, 'recipient'],
  // The message is too large.
  [/^3\.4$/, 'message'],
  // The mail system itself: disk full, shutting down, wrongly configured, congested.
  [/^3\./, 'provider'],
  [/^4\.5$/, 'provider'],
  // Network and routing, towards the recipient's servers.
  [/^4\./, 'domain'],
  [/^[56]\./, 'message'],
];

/**
 * Returns the subject and detail of the enhanced status code at the start of a reply, such as `452-4.2.2 mailbox full`;
 * undefined if the reply has no such code, or if it contradicts the reply code.
 */
export function parseEnhancedStatus(response: string | undefined): string | undefined {
  const [, replyClass, statusClass, status] =
    /^([245])\d\d[ -]([245])\.(\d{1,3}\.\d{1,3})(?!\S)/.exec(response ?? '') ?? [];
  return replyClass === statusClass ? status : undefined;
}

/** Returns what a reply concerns. Without an enhanced status code the rejected command decides. */
export function toFailureScope({ code, status, command }: SmtpReply): FailureScope {
  // The server closes the connection (RFC 5321, 3.8).
  if (code === 421) return 'provider';
  if (SESSION_CODES.includes(code)) return 'account';
  const [, concern] = CONCERNS.find(([pattern]) => status !== undefined && pattern.test(status)) ?? [];
  if (concern) return concern;
  if (command === 'RCPT TO') return 'recipient';
  // 451: local error in processing. 452: insufficient storage.
  if (code === 451 || code === 452 || (command === 'MAIL FROM' && code < 500)) return 'provider';
  return 'message';
}

/** Whether a permanent reply says that the address is dead. */
export function isDeadAddress({ status, command }: SmtpReply): boolean {
  return command !== 'MAIL FROM' && status !== undefined && DEAD_ADDRESS.test(status);
}
