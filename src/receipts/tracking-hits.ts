import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { TRACKING_PROVIDER } from '../model/receipt.ts';
import type { TrackingClaim } from '../privacy/tracking-token.ts';
import { isMachineHit } from '../track/machine-hit.ts';
import { type RecordOptions, recordReceipts } from './record-receipts.ts';

/** Hits that this process remembers to have recorded: a mailbox fetches a picture again and again. */
const MAX_KNOWN_HITS = 10_000;

/** The request for a picture or a link. */
export interface HitRequest {
  readonly method: string;
  readonly userAgent: string | undefined;
  readonly purpose: string | undefined;
}

/** Records opens and clicks of email as receipts of its delivery, those of machines apart; each once. */
export class TrackingHits {
  readonly #options: RecordOptions;
  readonly #known = new LRUCache<string, true>({ max: MAX_KNOWN_HITS });

  constructor(options: RecordOptions) {
    this.#options = options;
  }

  /** Records a hit. Never rejects: the reader gets to the page also when the database is away. */
  async record({ url, sentAt, ...delivery }: TrackingClaim, request: HitRequest): Promise<void> {
    const at = this.#options.clock();
    const isMachine = isMachineHit({ ...request, at, sentAt });
    const kind = url === '' ? 'opened' : 'clicked';
    const link = url === '' ? '' : createHash('sha256').update(url).digest('hex').slice(0, 16);
    const id = ['tidings', kind, isMachine ? 'machine' : 'reader', link].filter((part) => part !== '').join(':');
    const key = JSON.stringify([delivery, id]);
    if (this.#known.has(key)) return;
    const message = { ...delivery, provider: TRACKING_PROVIDER, account: '', messageKey: '', addressHash: null };
    const detail = link === '' ? {} : { detail: { link, host: new URL(url).hostname } };
    const receipt = { id, of: { reference: '' }, kind, at, isMachine, ...detail } as const;
    try {
      await recordReceipts(this.#options, message, [receipt]);
      this.#known.set(key, true);
    } catch (error) {
      this.#options.log.warn({ err: error }, 'an open or click could not be recorded');
    }
  }
}
