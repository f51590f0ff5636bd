import { type GuardedClient, RequestFailure } from '../../http-out/guarded-client.ts';
import type { Attachment, FileReference, SendOutcome } from '../../model/delivery.ts';
import type { Millis } from '../../model/event.ts';
import { readRetryAfter } from '../call-provider.ts';
import { findAttachmentFault, MAX_ATTACHMENT_BYTES, MAX_ATTACHMENTS } from './attachments.ts';
import { type FetchingAccount, FetchTurns } from './fetch-turns.ts';

/**
 * Fetches the files of one email, or returns why it cannot be sent, now or ever. `busy`: it may ask again in a moment. What was
 * fetched is in memory until `release` is called.
 */
export type FetchFiles = (
  files: readonly FileReference[],
  sender: { readonly tenantId: string; readonly account: FetchingAccount },
  signal: AbortSignal,
) => Promise<{ readonly attachments: readonly Attachment[]; readonly release: () => void } | SendOutcome | 'busy'>;

/** Time in ms for one file, and for all of an email. */
const MAX_FILE_MS = 10_000;
const MAX_FETCH_MS = 20_000;

/** Types that mail programs run, or do not let through. */
const REJECTED_TYPE =
  /^(?:application\/(?:x-msdownload|x-msdos-program|x-sh|x-executable|java-archive|hta)|text\/html)\b/i;

/** Returns a function that fetches files over HTTPS from public addresses, one after the other, without following redirects. */
export function createFetchFiles(http: GuardedClient, clock: () => Millis): FetchFiles {
  const turns = new FetchTurns();
  return async (files, { tenantId, account }, signal) => {
    if (files.length > MAX_ATTACHMENTS) return reject(`the message has more than ${MAX_ATTACHMENTS} attachments`);
    const turn = turns.start(tenantId, account);
    if (!turn) return 'busy';
    let isKept = false;
    try {
      const fetched = await fetchAll(files, signal);
      if (!('attachments' in fetched)) return fetched;
      isKept = true;
      return { ...fetched, release: turn.release };
    } finally {
      turn.endFetch();
      if (!isKept) turn.release();
    }
  };

  async function fetchAll(
    files: readonly FileReference[],
    signal: AbortSignal,
  ): Promise<{ readonly attachments: readonly Attachment[] } | SendOutcome> {
    const end = performance.now() + MAX_FETCH_MS;
    const attachments: Attachment[] = [];
    let left = MAX_ATTACHMENT_BYTES;
    for (const file of files) {
      const fetched = await fetchFile(file, {
        maxBytes: left,
        maxMillis: Math.max(1, Math.min(MAX_FILE_MS, Math.round(end - performance.now()))),
        signal,
      });
      if ('kind' in fetched) return fetched;
      left -= fetched.content.length;
      attachments.push(fetched);
    }
    const fault = findAttachmentFault(attachments);
    return fault === undefined ? { attachments } : reject(fault);
  }

  async function fetchFile(
    file: FileReference,
    bounds: { readonly maxBytes: number; readonly maxMillis: Millis; readonly signal: AbortSignal },
  ): Promise<Attachment | SendOutcome> {
    const what = `the attachment ${JSON.stringify(file.name)}`;
    const fault = http.findFault(file.url);
    if (fault !== undefined) return reject(`${what} cannot be fetched: its URL ${fault}`);
    try {
      const { status, headers, bytes } = await http.download(file.url, bounds);
      if (status === 429 || status >= 500) {
        const after = readRetryAfter(headers, clock());
        return {
          kind: 'retry',
          of: 'message',
          reason: `${what} cannot be fetched: its server says ${status}`,
          ...(after === undefined ? {} : { after }),
        };
      }
      if (status !== 200) return reject(`${what} cannot be fetched: its server says ${status}`);
      const given = readType(headers['content-type']);
      const type = file.type ?? given;
      // Also what the server gives under another name: a login page is no invoice.
      const wrong = [type, given].find((one) => REJECTED_TYPE.test(one));
      if (wrong !== undefined) return reject(`${what} is of the type ${wrong.slice(0, 100)}, which is not sent`);
      const encoding = String(headers['content-encoding'] ?? 'identity');
      if (!/^identity$/i.test(encoding)) return reject(`${what} cannot be fetched: its server compresses it unasked`);
      return {
        name: file.name,
        type,
        content: bytes,
        ...(file.contentId === undefined ? {} : { contentId: file.contentId }),
      };
    } catch (error) {
      if (!(error instanceof RequestFailure)) throw error;
      if (error.isTooLong) return reject(`the attachments have more than ${MAX_ATTACHMENT_BYTES} bytes`);
      return { kind: 'retry', of: 'message', reason: `${what} cannot be fetched: ${error.message}` };
    }
  }
}

function readType(header: string | string[] | undefined): string {
  const [type = ''] = String(header ?? '').split(';');
  return type.trim().toLowerCase() || 'application/octet-stream';
}

function reject(reason: string): SendOutcome {
  return { kind: 'rejected', reason };
}
