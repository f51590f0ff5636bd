import type { SendOutcome } from '../../model/delivery.ts';

/** What nodemailer says of a failure; each field may be missing. */
export interface SmtpFailure {
  /** The step: `EDNS`, `ESOCKET`, `EAUTH`, `EENVELOPE`, `EMESSAGE`, `ETIMEDOUT`, `EABORT` … */
  readonly code?: string;
  /** The operating system's or TLS's own: `ECONNREFUSED`, `CERT_HAS_EXPIRED` … */
  readonly originalCode?: string;
  readonly responseCode?: number | false;
  /** The server's answer. */
  readonly response?: string;
}

/** 5xx that say something about us or this session, not about the message: sign-in needed, or a command out of turn. */
const NOT_ABOUT_THE_MESSAGE = [503, 530, 534, 535, 538];

/**
 * @param sentWhole the message was given to the connection to its last byte: without an answer nobody knows what
 *   became of it. Before that the server cannot have taken it.
 */
export function failureOutcome(failure: SmtpFailure, sentWhole: boolean, tidy: (text: string) => string): SendOutcome {
  const { code, responseCode, response } = failure;
  const said = response && code !== 'EAUTH' ? { response: tidy(response) } : {};
  if (code === 'EENVELOPE' || code === 'EMESSAGE') {
    if (!responseCode) return { kind: 'rejected', reason: ownRefusal(code) };
    const isFinal = responseCode >= 500 && !NOT_ABOUT_THE_MESSAGE.includes(responseCode);
    if (isFinal) return { kind: 'rejected', reason: `the mail server refused it (${responseCode})`, ...said };
    if (responseCode >= 400) return { kind: 'retry', reason: `the mail server put it off (${responseCode})`, ...said };
  }
  // 421 is an answer too: the server goes away and has not taken it.
  if (sentWhole && responseCode !== 421)
    return { kind: 'in_doubt', reason: `${trouble(failure)} before there was an answer` };
  return { kind: 'retry', reason: trouble(failure), ...said };
}

/** Nodemailer refused it before the server saw it. */
function ownRefusal(code: 'EENVELOPE' | 'EMESSAGE'): string {
  return code === 'EMESSAGE' ? 'the mail server does not take messages as large as this' : 'the envelope is not valid';
}

function trouble({ code, originalCode, responseCode }: SmtpFailure): string {
  const detail = originalCode ?? responseCode;
  const because = detail ? ` (${detail})` : '';
  switch (code) {
    case 'EABORT':
      return 'sending was stopped';
    case 'ETIMEDOUT':
      return 'the mail server kept silent for too long';
    case 'EDNS':
      return `the mail server's name cannot be resolved${because}`;
    case 'ESOCKET':
      return `the mail server cannot be reached${because}`;
    case 'ETLS':
      return `no secure connection to the mail server can be made${because}`;
    case 'EAUTH':
      return `the mail server does not accept our user name and password${because}`;
    case 'EPROTOCOL':
      return `the mail server does not let us in${because}`;
    default:
      return `the connection to the mail server was lost${because}`;
  }
}
