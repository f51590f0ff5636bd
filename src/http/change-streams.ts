import type { ServerResponse } from 'node:http';
import { TidingsError } from '../errors.ts';
import { type ChangeTopic, TOPIC_NAMES } from '../model/change-topic.ts';
import type { Millis } from '../model/event.ts';
import type { StreamBounds } from './app.ts';
import { ChangeFeed, type ChangeFeedOptions, type Marks, type Subscriber } from './change-feed.ts';
import { type EndCode, endEventStream, type FindRevocation, writeRetry } from './event-stream.ts';

/** Streams of a process, of one tenant in it, and of one caller, at most. */
const MAX_STREAMS = 1000;
const MAX_TENANT_STREAMS = 200;
const MAX_CALLER_STREAMS = 20;
/** Time in ms after which a stream ends, and its reader connects again. */
const MAX_STREAM_MS: Millis = 15 * 60_000;
const HEARTBEAT_MS: Millis = 15_000;
/** Time in ms for which a reader that was admitted is not asked about again. */
const ADMITTED_MS: Millis = 5000;
/** Bytes that may wait for a reader. What it does not take, it learns when it comes back. */
const MAX_BUFFERED_BYTES = 16 * 1024;

/** The reader of a stream. */
export interface StreamReader {
  readonly tenantId: string;
  /** Identifies the caller within the tenant. */
  readonly caller: string;
  readonly topics: readonly ChangeTopic[];
  readonly findRevocation: FindRevocation;
}

interface Stream extends Subscriber {
  readonly reader: StreamReader;
  readonly response: ServerResponse;
  readonly expiry: NodeJS.Timeout;
  /** The marks that the reader knows. */
  readonly known: Map<ChangeTopic, string>;
  /** The reader came back: what it does not know of a topic is a change. */
  readonly isResumed: boolean;
  isReady: boolean;
  isBusy: boolean;
  admittedAt: Millis;
  unsubscribe: () => void;
  isEnded: boolean;
}

/** Streams of server-sent events that say in which topics of a tenant something has changed, and not what. */
export class ChangeStreams {
  readonly #bounds: StreamBounds;
  readonly #feed: ChangeFeed;
  readonly #streams = new Set<Stream>();
  #heartbeat: NodeJS.Timeout | undefined;
  #isAdmitting = false;

  constructor(options: ChangeFeedOptions, bounds: StreamBounds = {}) {
    this.#bounds = bounds;
    this.#feed = new ChangeFeed({ ...options, ...(bounds.look === undefined ? {} : { look: bounds.look }) });
  }

  /** @throws TidingsError `too_many_streams` */
  checkRoom({ tenantId, caller }: Pick<StreamReader, 'tenantId' | 'caller'>): void {
    const ofTenant = [...this.#streams].filter(({ reader }) => reader.tenantId === tenantId);
    const ofCaller = ofTenant.filter(({ reader }) => reader.caller === caller);
    if (ofCaller.length >= MAX_CALLER_STREAMS) {
      throw tooMany(
        `You have ${MAX_CALLER_STREAMS} streams open, the most that a caller may have; close one, or poll.`,
      );
    }
    if (ofTenant.length >= MAX_TENANT_STREAMS || this.#streams.size >= (this.#bounds.maxStreams ?? MAX_STREAMS)) {
      throw tooMany('This process has as many streams open as it may have; poll, and try again later.');
    }
  }

  /** Writes what has changed to a response until its reader leaves, or the stream ends. @param lastEventId of the reader; undefined: it is new */
  open(reader: StreamReader, response: ServerResponse, lastEventId: string | undefined): void {
    const { tenantId, topics } = reader;
    const stream: Stream = {
      tenantId,
      topics: new Set(topics),
      reader,
      response,
      known: readMarks(lastEventId),
      isResumed: lastEventId !== undefined,
      isReady: false,
      isBusy: false,
      admittedAt: performance.now(),
      isEnded: false,
      expiry: setTimeout(() => this.#end(stream, 'expired'), MAX_STREAM_MS),
      unsubscribe: () => {},
      look: (marks) => void this.#tell(stream, marks),
    };
    this.#streams.add(stream);
    response.on('close', () => this.#forget(stream));
    response.on('error', () => this.#forget(stream));
    writeRetry(response);
    this.#heartbeat ??= setInterval(() => this.#beat(), this.#bounds.heartbeat ?? HEARTBEAT_MS).unref();
    stream.unsubscribe = this.#feed.subscribe(stream);
  }

  stop(): void {
    clearInterval(this.#heartbeat);
    this.#feed.stop();
    for (const stream of this.#streams) this.#end(stream, 'stopping');
  }

  async #tell(stream: Stream, marks: Marks): Promise<void> {
    if (stream.isEnded || stream.isBusy) return;
    // Problems are known later than the rest.
    if (!stream.isReady && stream.reader.topics.some((topic) => topic !== 'problems' && !marks.has(topic))) return;
    const changed = findChanged(stream, marks);
    if (stream.isReady && changed.length === 0) return;
    stream.isBusy = true;
    try {
      // The next look finds later changes.
      if (performance.now() - stream.admittedAt < ADMITTED_MS || (await this.#admit(stream))) {
        if (!stream.isReady) this.#write(stream, 'ready', stream.reader.topics);
        stream.isReady = true;
        if (changed.length > 0) this.#write(stream, 'changed', changed);
      }
    } catch {
      this.#end(stream, 'unavailable');
    }
    stream.isBusy = false;
  }

  #beat(): void {
    for (const { response } of this.#streams) response.write(': still here\n\n');
    void this.#admitAll();
  }

  /** Ends the streams whose readers are no longer admitted: one after the other, as most of them are known. */
  async #admitAll(): Promise<void> {
    if (this.#isAdmitting) return;
    this.#isAdmitting = true;
    // If it cannot be known now, it is asked before anything is written.
    for (const stream of [...this.#streams]) await this.#admit(stream).catch(() => {});
    this.#isAdmitting = false;
  }

  /** Returns whether the reader is still admitted; otherwise its stream has ended. Rejects if that cannot be known now. */
  async #admit(stream: Stream): Promise<boolean> {
    if (stream.isEnded) return false;
    const at = performance.now();
    const code = await stream.reader.findRevocation();
    if (code === undefined) stream.admittedAt = at;
    else this.#end(stream, code);
    return !stream.isEnded;
  }

  #write({ response, known, isEnded }: Stream, event: string, topics: readonly ChangeTopic[]): void {
    if (isEnded) return;
    const id = [...known].map(([topic, mark]) => `${topic}:${mark}`).join(',');
    response.write(`id: ${id}\nevent: ${event}\ndata: ${JSON.stringify({ topics })}\n\n`);
    // A reader that does not read: its connection is closed, as nothing can reach it.
    if (response.writableLength > MAX_BUFFERED_BYTES) response.destroy();
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
    stream.unsubscribe();
    this.#streams.delete(stream);
    if (this.#streams.size > 0) return;
    clearInterval(this.#heartbeat);
    this.#heartbeat = undefined;
  }
}

/** Returns the topics that have changed since the latest event of the reader, and notes that it knows them. */
function findChanged({ topics, known, isResumed, isReady }: Stream, marks: Marks): ChangeTopic[] {
  const changed: ChangeTopic[] = [];
  for (const topic of topics) {
    const mark = marks.get(topic);
    if (mark === undefined || known.get(topic) === mark) continue;
    if (known.has(topic) || (isResumed && !isReady)) changed.push(topic);
    known.set(topic, mark);
  }
  return changed;
}

/** Returns the marks in the id of an event; another text does not have any, and all topics have changed for its reader. */
function readMarks(id: string | undefined): Map<ChangeTopic, string> {
  const parts = (id ?? '').split(',').map((part) => part.split(':') as [ChangeTopic, string | undefined]);
  return new Map(parts.flatMap(([topic, mark]) => (TOPIC_NAMES.includes(topic) && mark ? [[topic, mark]] : [])));
}

function tooMany(message: string): TidingsError {
  return new TidingsError('too_many_streams', message, { retryAfter: 30 });
}
