import type { Connection } from './connection.ts';
import { InboxProblem, toProblem } from './problem.ts';

export interface StreamEvent {
  readonly event: string;
  /** Number of the change. */
  readonly id: number;
  // biome-ignore lint/suspicious/noExplicitAny: its shape depends on the event
  readonly data: any;
}

export type StreamState = 'connecting' | 'live' | 'polling' | 'offline' | 'stopped';

export interface StreamHandlers {
  onEvent(event: StreamEvent): void;
  onState(state: StreamState): void;
  onProblem(problem: InboxProblem): void;
  /** Lists again, because the stream cannot be read. */
  poll(): Promise<unknown>;
  /** Number of the latest change that is known; null: the stream begins with the next one. */
  getPosition(): number | null;
}

/** The server sends something every 15 seconds. */
const MAX_SILENCE_MS = 45_000;
/** The server begins at once; what begins later is held back by a proxy. */
const MAX_START_MS = 10_000;
const MIN_PAUSE_MS = 1000;
const MAX_PAUSE_MS = 60_000;
const POLL_MS = 30_000;
/** Failures in a row after which the inbox is polled. */
const FAILURES_TO_POLL = 3;
/** Characters of one event, at most. */
const MAX_EVENT_CHARS = 4 * 1024 * 1024;

/** Ends of a stream that are ordinary: it is opened again at once. */
const ORDINARY_ENDS = ['expired', 'stopping', 'unavailable'];

/** Reads the stream of the inbox until it is stopped, and goes on from the latest change after each interruption. */
export class Stream {
  readonly #connection: Connection;
  readonly #handlers: StreamHandlers;
  readonly #stopping = new AbortController();
  #current: AbortController | undefined;
  #wake: (() => void) | undefined;
  #pause = MIN_PAUSE_MS;
  #failures = 0;

  constructor(connection: Connection, handlers: StreamHandlers) {
    this.#connection = connection;
    this.#handlers = handlers;
  }

  async run(): Promise<void> {
    const { onState, onProblem } = this.#handlers;
    while (!this.#stopping.signal.aborted) {
      onState(this.#failures >= FAILURES_TO_POLL ? 'polling' : 'connecting');
      let after = 0;
      try {
        const end = await this.#read();
        if (end !== undefined && !ORDINARY_ENDS.includes(end)) this.#connection.tokens.reject();
        after = this.#pause * (0.5 + Math.random());
      } catch (error) {
        if (this.#stopping.signal.aborted) break;
        const problem = toProblem(error, 'offline');
        this.#failures++;
        const isOffline = problem.status === 0 && globalThis.navigator?.onLine === false;
        if (isOffline) onState('offline');
        onProblem(problem);
        // A problem that no repetition solves is tried rarely: a backend may issue a right token.
        const grown = problem.isTemporary
          ? Math.min(this.#pause * 2 ** Math.min(this.#failures, 6), MAX_PAUSE_MS)
          : MAX_PAUSE_MS;
        after = Math.max(grown * (0.5 + Math.random() / 2), (problem.retryAfter ?? 0) * 1000);
        if (problem.isTemporary && this.#failures >= FAILURES_TO_POLL && !isOffline) {
          onState('polling');
          await this.#handlers.poll().catch(() => {});
          after = Math.max(after, POLL_MS);
        }
      }
      await this.#sleep(after);
    }
    onState('stopped');
  }

  /** Goes on at once, as when the device is online again. */
  wake(): void {
    this.#failures = 0;
    this.#wake?.();
  }

  /** Opens the connection anew: the device has slept, and it may be dead. */
  restart(): void {
    this.#current?.abort();
    this.wake();
  }

  stop(): void {
    this.#stopping.abort();
    this.#current?.abort();
    this.#wake?.();
  }

  #sleep(ms: number): Promise<void> {
    if (this.#stopping.signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Reads one connection to its end. Returns the code with which the server ended it. */
  async #read(): Promise<string | undefined> {
    const current = new AbortController();
    this.#current = current;
    let timer = setTimeout(() => current.abort(), MAX_START_MS);
    let ended: string | undefined;
    try {
      const headers: Record<string, string> = { accept: 'text/event-stream' };
      const position = this.#handlers.getPosition();
      if (position !== null) headers['last-event-id'] = String(position);
      const response = await this.#connection.open('/inbox/stream', { signal: current.signal }, headers);
      const reader = response.body?.getReader();
      if (!reader) throw new InboxProblem('bad_response', 'no stream', 501);
      const decoder = new TextDecoder();
      let rest = '';
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return ended;
        clearTimeout(timer);
        timer = setTimeout(() => current.abort(), MAX_SILENCE_MS);
        if (this.#failures > 0 || rest === '') this.#handlers.onState('live');
        this.#failures = 0;
        rest += decoder.decode(value, { stream: true });
        if (rest.length > MAX_EVENT_CHARS) throw new InboxProblem('bad_response', 'too large', 200);
        const blocks = rest.split('\n\n');
        rest = blocks.pop() ?? '';
        for (const block of blocks) ended = this.#take(block) ?? ended;
      }
    } finally {
      clearTimeout(timer);
      current.abort();
    }
  }

  /** Reads one block of lines. Returns the code if it ends the stream. */
  #take(block: string): string | undefined {
    const fields: { [name: string]: string } = {};
    for (const line of block.split('\n')) {
      const at = line.indexOf(': ');
      if (at > 0) fields[line.slice(0, at)] = line.slice(at + 2);
    }
    const { event, data, id, retry } = fields;
    if (retry !== undefined) this.#pause = Math.max(Number(retry) || 0, MIN_PAUSE_MS);
    if (event === undefined || data === undefined) return undefined;
    const parsed = JSON.parse(data);
    if (event === 'end') return String(parsed.code);
    this.#handlers.onEvent({ event, id: Number(id), data: parsed });
    return undefined;
  }
}
