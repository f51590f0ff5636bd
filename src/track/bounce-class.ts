import type { ReceiptKind } from '../model/receipt.ts';

/**
 * Meaning of a bounce or failure: the address is dead, its owner wants no more, the address fails for now, our sending is rejected,
 * or this message is.
 */
export type BounceClass = 'dead' | 'opted_out' | 'soft' | 'policy' | 'message';

/** The report of a provider on a bounce or failure. */
export interface BounceReport {
  readonly provider: string;
  /** `failed`: the message did, for whatever reason. Default: the address bounced. */
  readonly kind?: ReceiptKind;
  /** Code of the provider, such as `Permanent/General` of SES. */
  readonly code?: string;
  /** Status of RFC 3463. */
  readonly enhancedCode?: string;
  readonly isPermanent?: boolean;
}

/** The one table. The first row that matches holds: statuses of RFC 3463 come before what a provider makes of them. */
const ROWS: readonly (readonly [provider: RegExp | null, code: RegExp, BounceClass])[] = [
  // Statuses. A provider may call "no such domain" transient, and a full mailbox permanent.
  [null, /^5\.(1\.(1|2|3|6|10)|2\.1|4\.4)$/, 'dead'],
  [null, /^5\.(3\.4|2\.3)$/, 'message'],
  [null, /^5\.2\.2$/, 'soft'],
  [null, /^5\.7\.\d+$/, 'policy'],
  [null, /^4\.\d+\.\d+$/, 'soft'],
  // Types of providers.
  [/^ses$/, /^Permanent\/UnsubscribedRecipient$/, 'opted_out'],
  [/^ses$/, /\/(MessageTooLarge|AttachmentRejected)$/, 'message'],
  [/^ses$/, /\/(ContentRejected|CustomTimeoutExceeded)$/, 'policy'],
  [/^ses$/, /^Permanent\b/, 'dead'],
  [/^ses$/, /^(Transient|Undetermined)\b/, 'soft'],
  [/^sendgrid$/, /^(Invalid Address|Bounced Address|Invalid)$/i, 'dead'],
  [/^sendgrid$/, /^(Unsubscribed Address|Spam Reporting Address)$/i, 'opted_out'],
  [/^sendgrid$/, /^(Reputation|Content|Frequency or Volume Too High|Spam Content)$/i, 'policy'],
  [/^sendgrid$/, /^(Mailbox Unavailable|Technical Failure|blocked)$/i, 'soft'],
  [/^twilio$/, /^21610$/, 'opted_out'],
  [/^twilio$/, /^(21211|21217|21614|21635|30006)$/, 'dead'],
  [/^twilio$/, /^(30003|30005|30008|30017|30410)$/, 'soft'],
  // All others concern the account, the carrier, the sender or the text: queues, limits, registrations, filters, the time until it expired.
  [/^twilio$/, /^\d+$/, 'policy'],
  [/^courier$/, /^BOUNCED$/, 'dead'],
  [/^courier$/, /^UNSUBSCRIBED$/, 'opted_out'],
];

/**
 * Returns what a bounce or failure says. What no row knows is judged by the provider: an address that bounced for good is dead. A
 * message that failed for good says nothing about its address: it may be our template, quota or settings.
 */
export function getBounceClass({ provider, kind, code, enhancedCode, isPermanent }: BounceReport): BounceClass {
  for (const [only, pattern, result] of ROWS) {
    const said = only === null ? enhancedCode : code;
    if (said !== undefined && (only === null || only.test(provider)) && pattern.test(said)) return result;
  }
  // Another permanent status concerns the message or us, as far as anyone can tell.
  if (enhancedCode?.startsWith('5.')) return isPermanent === false ? 'soft' : 'message';
  if (isPermanent !== true) return 'soft';
  return kind === 'failed' ? 'message' : 'dead';
}
