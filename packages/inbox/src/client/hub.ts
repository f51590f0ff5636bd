import type { Connection } from './connection.ts';
import { Stream, type StreamEvent, type StreamHandlers, type StreamState } from './stream.ts';

/** Time after which a page whose leader is silent looks for itself; the leader passes on each heartbeat, every 15 s. */
const MAX_SILENCE_MS = 60_000;

type Note = { readonly event: StreamEvent } | { readonly state: StreamState } | { readonly hello: true };

/**
 * One stream for all pages of a browser that show the inbox of the same user: the page that holds a lock reads it, and passes on what it
 * reads. When that page is closed, the next one goes on from the latest change that it knows.
 */
export class Hub {
  readonly #connection: Connection;
  readonly #handlers: StreamHandlers;
  readonly #ending = new AbortController();
  #stream: Stream | undefined;
  #channel: BroadcastChannel | undefined;
  #name = '';
  #state: StreamState = 'connecting';
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(connection: Connection, handlers: StreamHandlers) {
    this.#connection = connection;
    this.#handlers = handlers;
  }

  /** Listens to the page that reads the stream. @param owner whose inbox it is; undefined: the stream is not shared */
  listen(owner: string | undefined): void {
    if (owner === undefined || !globalThis.navigator?.locks || !globalThis.BroadcastChannel) return;
    const { base, tenant = '' } = this.#connection;
    this.#name = `tidings ${base} ${tenant} ${owner}`;
    this.#channel = new BroadcastChannel(this.#name);
    this.#channel.onmessage = ({ data }: MessageEvent<Note>) => this.#receive(data);
    this.#watch();
  }

  /** Reads the stream, as soon as no other page does. */
  start(): void {
    if (!this.#channel) return void this.#lead();
    this.#tell({ hello: true });
    const { signal } = this.#ending;
    navigator.locks.request(this.#name, { signal }, () => this.#lead()).catch(() => {});
  }

  wake(): void {
    this.#stream?.wake();
  }

  restart(): void {
    this.#stream?.restart();
  }

  stop(): void {
    this.#ending.abort();
    clearTimeout(this.#timer);
    this.#stream?.stop();
    this.#channel?.close();
    this.#channel = undefined;
  }

  /** Reads the stream until this page no longer wants it. */
  async #lead(): Promise<void> {
    if (this.#ending.signal.aborted) return;
    clearTimeout(this.#timer);
    const { onEvent, onState } = this.#handlers;
    this.#stream = new Stream(this.#connection, {
      ...this.#handlers,
      onEvent: (event) => {
        this.#tell({ event });
        onEvent(event);
      },
      onState: (state) => {
        this.#state = state;
        this.#tell({ state });
        onState(state);
      },
    });
    await this.#stream.run();
  }

  #tell(note: Note): void {
    this.#channel?.postMessage(note);
  }

  #receive(note: Note): void {
    if ('hello' in note) {
      if (this.#stream) this.#tell({ state: this.#state });
      return;
    }
    if (this.#stream) return;
    this.#watch();
    if ('event' in note) this.#handlers.onEvent(note.event);
    // The next leader says how it goes on.
    else if (note.state !== 'stopped') this.#handlers.onState(note.state);
  }

  /** Waits for the leader, which may be frozen or unable to read the stream. */
  #watch(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(
      () => {
        this.#handlers.onState('polling');
        this.#handlers.poll().catch(() => {});
        this.#watch();
      },
      MAX_SILENCE_MS * (1 + Math.random() / 4),
    );
  }
}
