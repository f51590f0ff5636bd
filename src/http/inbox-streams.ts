import type { ServerResponse } from 'node:http';
import { TidingsError } from '../errors.ts';
import type { Millis } from '../model/event.ts';
import type { Seal } from '../privacy/seal.ts';
import {
  findChangedInboxes,
  type InboxCounts,
  type InboxItem,
  type InboxOf,
  listInboxChanges,
  loadInboxCounts,
} from '../store/inbox/inbox.ts';
import { INBOX_CHANNEL, toInboxKey } from '../store/inbox/inbox-signals.ts';
import { NotifyListener } from '../store/pg/listener.ts';
import type { TenantDatabase } from '../store/pg/tenant-database.ts';
import type { StreamBounds } from './app.ts';
import { type EndCode, endEventStream, type FindRevocation, writeRetry } from './event-stream.ts';

/** Streams of a process, and of one inbox in it, at most. */
const MAX_STREAMS = 2000;
const MAX_INBOX_STREAMS = 10;
/** Time in ms after which a stream ends, and its reader connects again: its rights are checked anew. */
const MAX_STREAM_MS: Millis = 15 * 60_000;
/** Interval in ms of heartbeats, and of looks at the database for what was not announced. */
const HEARTBEAT_MS: Millis = 15_000;
/** Bytes that may wait for a reader; with more, it has MAX_BLOCKED_MS to take them. */
const MAX_BUFFERED_BYTES = 256 * 1024;
const MAX_BLOCKED_MS: Millis = 10_000;
/** Changes that are read at once. */
const PAGE_ITEMS = 50;
/** Streams that read from the database at the same time. */
const MAX_READERS = 3;

interface Stream extends InboxOf {
  readonly key: string;
  readonly response: ServerResponse;
  readonly findRevocation: FindRevocation;
  /** Number of the latest change that was written; null: it starts with the next one. */
  position: number | null;
  /** The last counts that were written. */
  counts: string;
  /** Runs while the reader has too much to take. */
  blocked: NodeJS.Timeout | undefined;
  readonly expiry: NodeJS.Timeout;
  isEnded: boolean;
}

export interface InboxStreamsOptions {
  readonly database: TenantDatabase;
  /** Absent: changes by other processes are noticed at the next heartbeat. */
  readonly databaseUrl?: string;
  readonly seal: Seal;
  readonly clock: () => Millis;
  /** Returns how the items of an inbox are shown. */
  readonly openView: (of: InboxOf) => Promise<(item: InboxItem) => object>;
  /** Returns how the numbers of an inbox are shown. */
  readonly toCounts: (counts: InboxCounts, now: Millis) => object;
  readonly bounds?: StreamBounds;
}

/**
 * Streams of server-sent events, one for each reader of an inbox. The table says what has changed, by numbers; NOTIFY only when to
 * look. So each process has the changes of all, and a reader that comes back, also to another process, gets what it has missed.
 */
export class InboxStreams {
  readonly #options: InboxStreamsOptions;
  readonly #streams = new Map<string, Set<Stream>>();
  readonly #dirty = new Set<Stream>();
  readonly #listener: NotifyListener | undefined;
  #count = 0;
  #readers = 0;
  #isAdmitting = false;
  #heartbeat: NodeJS.Timeout | undefined;

  constructor(options: InboxStreamsOptions) {
    this.#options = options;
    const { databaseUrl } = options;
    // Connected with the first stream: a process without readers needs no connection.
    this.#listener =
      databaseUrl === undefined
        ? undefined
        : new NotifyListener(databaseUrl, INBOX_CHANNEL, ({ payload }) => this.#wake(payload));
  }

  /** @throws TidingsError `too_many_streams` */
  checkRoom({ tenantId, userId }: InboxOf): void {
    const own = this.#streams.get(toInboxKey(tenantId, userId))?.size ?? 0;
    if (own >= MAX_INBOX_STREAMS) {
      throw new TidingsError(
        'too_many_streams',
        `This inbox has ${MAX_INBOX_STREAMS} streams open, the most that one may have; close one, or share one among the windows of an app.`,
        { retryAfter: 30 },
      );
    }
    if (this.#count >= (this.#options.bounds?.maxStreams ?? MAX_STREAMS)) {
      throw new TidingsError(
        'too_many_streams',
        'This process has as many streams open as it may have; try again later.',
        {
          retryAfter: 30,
        },
      );
    }
  }

  /**
   * Writes the changes of an inbox to a response until its reader leaves, or the stream ends.
   * @param position number of the latest change that the reader knows; null: it starts with the next one
   */
  open(of: InboxOf, response: ServerResponse, position: number | null, findRevocation: FindRevocation): void {
    const key = toInboxKey(of.tenantId, of.userId);
    const stream: Stream = {
      ...of,
      key,
      response,
      findRevocation,
      position,
      counts: '',
      blocked: undefined,
      expiry: setTimeout(() => this.#end(stream, 'expired'), MAX_STREAM_MS),
      isEnded: false,
    };
    const own = this.#streams.get(key) ?? new Set();
    this.#streams.set(key, own.add(stream));
    this.#count++;
    response.on('close', () => this.#forget(stream));
    response.on('error', () => this.#forget(stream));
    response.on('drain', () => this.#unblock(stream));
    writeRetry(response);
    if (!this.#heartbeat) {
      this.#heartbeat = setInterval(() => this.#beat(), this.#options.bounds?.heartbeat ?? HEARTBEAT_MS).unref();
      void this.#listener?.start();
    }
    this.#read(stream);
  }

  async stop(): Promise<void> {
    clearInterval(this.#heartbeat);
    for (const own of this.#streams.values()) for (const stream of own) this.#end(stream, 'stopping');
    await this.#listener?.stop();
  }

  /** @param payload keys with commas between; undefined or `*`: any may have changed */
  #wake(payload: string | undefined): void {
    if (payload === undefined || payload === '*') return void this.#look();
    for (const key of payload.split(',')) for (const stream of this.#streams.get(key) ?? []) this.#read(stream);
  }

  #beat(): void {
    for (const own of this.#streams.values()) {
      for (const stream of own) if (!stream.blocked) stream.response.write(': still here\n\n');
    }
    void this.#admitAll();
    void this.#look();
  }

  /** Ends the streams whose readers are no longer admitted: one after the other, as most of them are known. */
  async #admitAll(): Promise<void> {
    if (this.#isAdmitting) return;
    this.#isAdmitting = true;
    for (const stream of [...this.#streams.values()].flatMap((own) => [...own])) {
      // If it cannot be known now, it is asked at the next beat, and before anything is written.
      await this.#admit(stream).catch(() => {});
    }
    this.#isAdmitting = false;
  }

  /** Returns whether the reader is still admitted; otherwise its stream has ended. Rejects if that cannot be known now. */
  async #admit(stream: Stream): Promise<boolean> {
    if (stream.isEnded) return false;
    const code = await stream.findRevocation();
    if (code !== undefined) this.#end(stream, code);
    return !stream.isEnded;
  }

  /** Reads the streams whose inboxes have changed. */
  async #look(): Promise<void> {
    const streams = [...this.#streams.values()].flatMap((own) => [...own]);
    if (streams.length === 0) return;
    const inboxes = streams.map(({ tenantId, userId, position }) => ({ tenantId, userId, position: position ?? -1 }));
    // Without the database, the next look finds them.
    const changed = await findChangedInboxes(this.#options.database.owner, inboxes).catch(() => []);
    for (const place of changed) this.#read(streams[place] as Stream);
  }

  #read(stream: Stream): void {
    if (stream.isEnded || stream.blocked) return;
    this.#dirty.add(stream);
    while (this.#readers < MAX_READERS && this.#dirty.size > 0) void this.#readDirty();
  }

  /** Reads streams until all are read: the same one never twice at the same time. */
  async #readDirty(): Promise<void> {
    const [stream] = this.#dirty;
    if (!stream) return;
    this.#dirty.delete(stream);
    if (busy.has(stream)) return void again.add(stream);
    busy.add(stream);
    this.#readers++;
    try {
      const isMore = (await this.#admit(stream)) && (await this.#writeChanges(stream));
      if (isMore) again.add(stream);
    } catch {
      this.#end(stream, 'unavailable');
    }
    this.#readers--;
    busy.delete(stream);
    if (again.delete(stream)) this.#read(stream);
    if (this.#dirty.size > 0) void this.#readDirty();
  }

  /** Writes a page of changes. Returns whether there are more. */
  async #writeChanges(stream: Stream): Promise<boolean> {
    const { database, seal, clock, openView } = this.#options;
    const of = { tenantId: stream.tenantId, userId: stream.userId };
    const pool = database.forTenant(of.tenantId);
    const counts = await loadInboxCounts(pool, of, clock());
    const { position } = stream;
    // The position of the reader is of another inbox, or newer than a restored database.
    const isUnknown = position !== null && position > counts.position;
    if (position === null || isUnknown || counts.marked > position) {
      stream.position = counts.position;
      if (position !== null) this.#write(stream, 'reset', { reason: 'list the inbox again' });
      this.#writeCounts(stream, counts);
      return false;
    }
    const items = position === counts.position ? [] : await listInboxChanges(pool, seal, of, position, PAGE_ITEMS);
    const toView = items.length === 0 ? undefined : await openView(of);
    for (const item of items) {
      stream.position = item.change;
      this.#write(stream, 'item', toView!(item));
      // The rest is read again once its reader has taken this.
      if (stream.blocked || stream.isEnded) return false;
    }
    const isMore = items.length === PAGE_ITEMS;
    if (isMore) return true;
    stream.position = Math.max(stream.position as number, counts.position);
    this.#writeCounts(stream, counts);
    return false;
  }

  #writeCounts(stream: Stream, counts: InboxCounts): void {
    const { unread, unseen, nextAt } = counts;
    const text = `${unread} ${unseen} ${stream.position} ${nextAt}`;
    if (text === stream.counts) return;
    stream.counts = text;
    const { clock, toCounts } = this.#options;
    this.#write(stream, 'counts', toCounts({ ...counts, position: stream.position ?? 0 }, clock()));
  }

  #write(stream: Stream, event: string, data: object): void {
    if (stream.isEnded) return;
    const { response } = stream;
    response.write(`id: ${stream.position}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
    if (response.writableLength <= MAX_BUFFERED_BYTES || stream.blocked) return;
    // A reader that does not read: its connection is closed, as nothing can reach it.
    stream.blocked = setTimeout(() => response.destroy(), MAX_BLOCKED_MS);
  }

  #unblock(stream: Stream): void {
    if (!stream.blocked) return;
    clearTimeout(stream.blocked);
    stream.blocked = undefined;
    this.#read(stream);
  }

  #end(stream: Stream, code: EndCode): void {
    if (stream.isEnded) return;
    endEventStream(stream.response, code);
    this.#forget(stream);
  }

  #forget(stream: Stream): void {
    if (stream.isEnded) return;
    stream.isEnded = true;
    clearTimeout(stream.expiry);
    clearTimeout(stream.blocked);
    this.#dirty.delete(stream);
    const own = this.#streams.get(stream.key);
    own?.delete(stream);
    if (own?.size === 0) this.#streams.delete(stream.key);
    this.#count--;
  }
}

/** Streams that are being read, and those of them to be read once more. */
const busy = new WeakSet<Stream>();
const again = new WeakSet<Stream>();
