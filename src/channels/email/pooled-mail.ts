import { Readable } from 'node:stream';

interface Envelope {
  readonly from: string;
  readonly to: string;
  /** Size of the message in bytes; the server may reject it by this alone. */
  readonly size: number;
}

interface MailParts {
  readonly envelope: Envelope;
  readonly messageId: string;
  readonly raw: Buffer;
  readonly signal: AbortSignal;
  readonly mayHandOver: () => boolean;
  /** Returns whether the server of the connection that the message is on offers SMTPUTF8. */
  readonly offersUtf8: () => boolean;
}

/** Bytes of a message that are written at once. */
const CHUNK_BYTES = 64 * 1024;

/**
 * A message as the pool needs it: the envelope, and the bytes once per try. Before each step that the server sees (`MAIL FROM`,
 * and each part of the content) it asks whether the message may still be handed over: a connection may have taken long. Without
 * its last byte no server accepts a message.
 */
export class PooledMail {
  readonly data: { readonly signal: AbortSignal };
  readonly message = this;
  readonly #parts: MailParts;
  #utf8Rejected = false;
  #isStopped = false;
  #stream: Readable | undefined;

  constructor(parts: MailParts) {
    this.#parts = parts;
    this.data = { signal: parts.signal };
  }

  /** Whether the stream has ended. Only then is the final dot sent, before which no server accepts the message. */
  get sentWhole(): boolean {
    return this.#stream?.readableEnded ?? false;
  }

  /** Whether the message was not handed over, because that was no longer allowed. */
  get isStopped(): boolean {
    return this.#isStopped;
  }

  /** Whether the message was not sent, because its addresses need SMTPUTF8 (RFC 6531), which the server does not offer. */
  get utf8Rejected(): boolean {
    return this.#utf8Rejected;
  }

  /** Returns a new object each time, because the connection modifies it. Without recipients nothing is sent. */
  getEnvelope() {
    const { envelope, mayHandOver, offersUtf8 } = this.#parts;
    this.#isStopped = !mayHandOver();
    this.#utf8Rejected = /\P{ASCII}/u.test(envelope.from + envelope.to) && !offersUtf8();
    return { ...envelope, to: this.#isStopped || this.#utf8Rejected ? [] : [envelope.to] };
  }

  getHeader(): string {
    return this.messageId();
  }

  messageId(): string {
    return `<${this.#parts.messageId}>`;
  }

  createReadStream(): Readable {
    const { raw, mayHandOver } = this.#parts;
    let at = 0;
    const stream = new Readable({
      read: () => {
        if (!mayHandOver()) {
          this.#isStopped = true;
          stream.destroy(new Error('stopped'));
          return;
        }
        stream.push(raw.subarray(at, at + CHUNK_BYTES));
        at += CHUNK_BYTES;
        if (at >= raw.length) stream.push(null);
      },
    });
    this.#stream = stream;
    return stream;
  }
}
