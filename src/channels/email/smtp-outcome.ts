import type { FailureScope, Fault, SendOutcome } from '../../model/delivery.ts';
import { isAboutSender, isDeadAddress, parseEnhancedStatus, type SmtpReply, toFailureScope } from './smtp-reply.ts';

/** A failure as nodemailer reports it; each field may be missing. */
export interface SmtpFailure {
  /** The step that failed: `EDNS`, `ESOCKET`, `EAUTH`, `EENVELOPE`, `EMESSAGE`, `ETIMEDOUT`, `EABORT` … */
  readonly code?: string;
  /** Code of the operating system or of TLS: `ECONNREFUSED`, `CERT_HAS_EXPIRED` … */
  readonly originalCode?: string;
  readonly responseCode?: number | false;
  /** The reply of the server. */
  readonly response?: string;
  /** The command that was rejected: `MAIL FROM`, `RCPT TO`, `DATA` … */
  readonly command?: string;
}

/**
 * Returns the outcome of a failed send.
 * @param sentWhole whether the message was written to the connection to its last byte: without a reply it is then unknown
 *   whether the server accepted it. Before that it cannot have.
 * @param tidy removes secrets and addresses from a reply
 */
export function toFailureOutcome(
  failure: SmtpFailure,
  sentWhole: boolean,
  tidy: (text: string) => string,
): SendOutcome {
  const { code, responseCode, response, command } = failure;
  // A server may quote the credentials.
  const reply = response && code !== 'EAUTH' ? { response: tidy(response) } : {};
  if (code === 'EENVELOPE' || code === 'EMESSAGE') {
    if (!responseCode) return { kind: 'rejected', reason: localRejection(code) };
    if (responseCode >= 400) {
      const status = parseEnhancedStatus(response);
      const outcome = toReplyOutcome({ code: responseCode, status, command, text: response });
      return { ...outcome, code: toReplyCode(responseCode, status), ...reply };
    }
  }
  const timedOut = code === 'ETIMEDOUT' ? { timedOut: true } : {};
  // 421 is a reply, too: the server closes the connection and has not accepted the message.
  if (sentWhole && responseCode !== 421) {
    const reason = `${describeFailure(failure)}; the mail server may have accepted the message`;
    return { kind: 'in_doubt', reason, ...timedOut };
  }
  // 4xx is a temporary failure of the server's authentication (RFC 4954, 6).
  if (code === 'EAUTH' && !(responseCode && responseCode < 500)) {
    return { kind: 'misconfigured', reason: describeFailure(failure) };
  }
  const closed = responseCode === 421 ? { code: '421' } : {};
  return { kind: 'retry', ...closed, reason: describeFailure(failure), ...timedOut, ...reply };
}

/** Returns the code of a reply for the table: the enhanced one, if there is one. */
function toReplyCode(code: number, status: string | undefined): string {
  return status === undefined ? String(code) : `${Math.floor(code / 100)}.${status}`;
}

function toReplyOutcome(reply: SmtpReply): Exclude<SendOutcome, { kind: 'sent' | 'sandboxed' }> {
  const detail = reply.status === undefined ? '' : ` ${toReplyCode(reply.code, reply.status)}`;
  const suffix = `(${reply.code}${detail})`;
  const scope = toFailureScope(reply);
  const of = scope === 'provider' ? {} : { of: scope };
  if (reply.code < 500) return { kind: 'retry', reason: `the mail server deferred the message ${suffix}`, ...of };
  if (isDeadAddress(reply)) return { kind: 'address_dead', reason: `the address does not exist ${suffix}` };
  // A command out of sequence is a matter of this connection.
  if (scope === 'provider' || reply.code === 503)
    return { kind: 'retry', reason: `the mail server cannot accept messages ${suffix}` };
  if (scope === 'account') {
    const reason = `the mail server rejected the sender ${suffix}`;
    return { kind: 'misconfigured', reason, ...(isAboutSender(reply) ? { isOfSender: true } : {}) };
  }
  const fault = FAULT_OF_REJECTION[scope];
  return { kind: 'rejected', reason: `the mail server rejected the message ${suffix}`, ...(fault ? { fault } : {}) };
}

/** Faults of rejections by scope, if not that of the message: domains reject senders without SPF, DKIM and the like. */
const FAULT_OF_REJECTION: { readonly [scope in FailureScope]?: Fault } = { recipient: 'recipient', domain: 'account' };

/** Returns why nodemailer rejected the message before the server saw it. */
function localRejection(code: 'EENVELOPE' | 'EMESSAGE'): string {
  return code === 'EMESSAGE' ? 'the message is too large for the mail server' : 'the envelope is not valid';
}

function describeFailure({ code, originalCode, responseCode }: SmtpFailure): string {
  const detail = originalCode ?? responseCode;
  const suffix = detail ? ` (${detail})` : '';
  switch (code) {
    case 'EABORT':
      return 'the send was aborted';
    case 'ETIMEDOUT':
      return 'the mail server did not respond in time';
    case 'EDNS':
      return `the name of the mail server cannot be resolved${suffix}`;
    case 'ESOCKET':
      return `the mail server cannot be reached${suffix}`;
    case 'ETLS':
      return `a secure connection to the mail server cannot be established${suffix}`;
    case 'EAUTH':
      return `the mail server rejected the user name and password${suffix}`;
    case 'EPROTOCOL':
      return `the mail server rejected the connection${suffix}`;
    default:
      return `the connection to the mail server was lost${suffix}`;
  }
}
