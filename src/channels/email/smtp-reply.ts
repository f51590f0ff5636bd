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
  /** The whole reply, as received; undefined: not known. */
  readonly text?: string | undefined;
}

/** Replies about the session, not the message: authentication required, or a command out of sequence. */
const SESSION_CODES = [454, 503, 530, 534, 535, 538];

/** Subject and detail that say that the address does not exist, or no longer accepts messages. */
const DEAD_ADDRESS = /^(?:1\.(?:1|2|3|6|10)|2\.1|4\.4)$/;

/**
 * Start of a reply about our host or our sender's address. Servers such as Postfix say so only at `RCPT TO`. What follows may
 * quote the server of the recipient, and that is about another client.
 */
const ABOUT_US =
  /^\d{3}[ -](?:[45]\.7\.\d{1,3} )?(?:service unavailable[;,] )?(?:<[^>]{0,320}>: )?(?:(?:sender address|helo command|client host) rejected|client host \[[^\]]{1,64}\] blocked|client host blocked|access denied, banned send(?:er|ing ip)|your (?:ip|host) [^;]{0,80}(?:blocked|listed|blacklisted))/i;

/**
 * Scopes of enhanced status codes in a reply to `MAIL FROM`, where the server knows no recipient yet; of all others it is the
 * account.
 */
const SENDER_CONCERNS: readonly (readonly [RegExp, FailureScope])[] = [
  // The size that the command announces, and what it says of the content (SMTPUTF8).
  [/^(?:2\.3|3\.4|6\.\d{1,3})$/, 'message'],
  [/^[34]\./, 'provider'],
];

/** Scopes of enhanced status codes in other replies; the first match counts. RFC 3463, and the IANA registry for 7.8 and above. */
const CONCERNS: readonly (readonly [RegExp, FailureScope])[] = [
  // The sender's address; its domain accepts no mail (null MX).
  [/^1\.[78]$/, 'account'],
  [/^7\.27$/, 'account'],
  // Authentication. Of its codes, 7.12 (password transition) and 7.13 (account disabled) belong to AUTH; after it, servers of
  // recipients mean their own policy by them.
  [/^7\.(?:8|9|10|11|14)$/, 'account'],
  // The owner of the mailbox or of its domain has changed (RFC 7293).
  [/^7\.(?:17|18|19)$/, 'recipient'],
  // SPF, DKIM, DMARC, reverse DNS, ARC, TLS and flood rules of the recipient's domain.
  [/^7\.(?:2\d|3\d)$/, 'domain'],
  [/^[12]\./, 'recipient'],
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

/**
 * Returns what a reply concerns. The rejected command decides first: before `RCPT TO` no reply is about the recipient. Then
 * the enhanced status code decides.
 */
export function toFailureScope(reply: SmtpReply): FailureScope {
  const { code, status, command, text } = reply;
  // The server closes the connection (RFC 5321, 3.8).
  if (code === 421) return 'provider';
  if (SESSION_CODES.includes(code)) return 'account';
  if (command === 'MAIL FROM') return toSenderScope(reply);
  if (text !== undefined && ABOUT_US.test(text)) return 'account';
  const concern = findConcern(CONCERNS, status);
  if (concern) return concern;
  // Another policy: it judged the recipient at `RCPT TO`, and the content later.
  if (status?.startsWith('7.')) return command === 'RCPT TO' ? 'recipient' : 'message';
  if (command === 'RCPT TO') return 'recipient';
  // 451: local error in processing. 452: insufficient storage.
  return code === 451 || code === 452 ? 'provider' : 'message';
}

/** Returns what a reply to `MAIL FROM` concerns. */
function toSenderScope({ code, status }: SmtpReply): FailureScope {
  if (status !== undefined) return findConcern(SENDER_CONCERNS, status) ?? 'account';
  // 552: the message is larger than the server accepts (RFC 1870, 6).
  if (code === 552) return 'message';
  return code < 500 ? 'provider' : 'account';
}

function findConcern(concerns: typeof CONCERNS, status: string | undefined): FailureScope | undefined {
  return concerns.find(([pattern]) => status !== undefined && pattern.test(status))?.[1];
}

/** Whether a reply that blames our account is about the address of the sender, not about our host or credentials. */
export function isAboutSender({ code, status, command, text = '' }: SmtpReply): boolean {
  if (SESSION_CODES.includes(code)) return false;
  return command === 'MAIL FROM' || /^1\.[78]$/.test(status ?? '') || /sender address rejected/i.test(text);
}

/** Whether a permanent reply says that the address is dead. */
export function isDeadAddress({ status, command }: SmtpReply): boolean {
  return command !== 'MAIL FROM' && status !== undefined && DEAD_ADDRESS.test(status);
}
