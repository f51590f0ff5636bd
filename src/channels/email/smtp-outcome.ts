import type { SendOutcome } from '../../model/delivery.ts';

/** A failure as nodemailer reports it; each field may be missing. */
export interface SmtpFailure {
  /** The step that failed: `EDNS`, `ESOCKET`, `EAUTH`, `EENVELOPE`, `EMESSAGE`, `ETIMEDOUT`, `EABORT` … */
  readonly code?: string;
  /** Code of the operating system or of TLS: `ECONNREFUSED`, `CERT_HAS_EXPIRED` … */
  readonly originalCode?: string;
  readonly responseCode?: number | false;
  /** The reply of the server. */
  readonly response?: string;
}

/** 5xx replies about the session, not the message: authentication required, or a command out of sequence. */
const SESSION_REPLY_CODES = [503, 530, 534, 535, 538];

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
  const { code, responseCode, response } = failure;
  const reply = response && code !== 'EAUTH' ? { response: tidy(response) } : {};
  if (code === 'EENVELOPE' || code === 'EMESSAGE') {
    if (!responseCode) return { kind: 'rejected', reason: localRejection(code) };
    const isFinal = responseCode >= 500 && !SESSION_REPLY_CODES.includes(responseCode);
    if (isFinal)
      return { kind: 'rejected', reason: `the mail server rejected the message (${responseCode})`, ...reply };
    if (responseCode >= 400)
      return { kind: 'retry', reason: `the mail server deferred the message (${responseCode})`, ...reply };
  }
  // 421 is a reply, too: the server closes the connection and has not accepted the message.
  if (sentWhole && responseCode !== 421)
    return { kind: 'in_doubt', reason: `${describe(failure)}; the mail server may have accepted the message` };
  return { kind: 'retry', reason: describe(failure), ...reply };
}

/** Returns why nodemailer rejected the message before the server saw it. */
function localRejection(code: 'EENVELOPE' | 'EMESSAGE'): string {
  return code === 'EMESSAGE' ? 'the message is too large for the mail server' : 'the envelope is not valid';
}

function describe({ code, originalCode, responseCode }: SmtpFailure): string {
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
