import { setTimeout as pause } from 'node:timers/promises';
import { type MailSink, mailSink } from '../../support/mailsink.ts';

const LOOK_MS = 20;

/** A mail server that can be away for a while, and remembers what it received before. */
export class RestartedSink {
  readonly url: string;
  readonly #port: number;
  readonly #onMail: (recipient: string) => void;
  #sink: MailSink;
  /** Mails of the present server that were noticed. */
  #noticed = 0;
  #received = 0;
  #fresh: string[] = [];
  readonly #timer: NodeJS.Timeout;

  private constructor(sink: MailSink, onMail: (recipient: string) => void) {
    this.#sink = sink;
    this.url = sink.url;
    this.#port = sink.port;
    this.#onMail = onMail;
    this.#timer = setInterval(() => this.#notice(), LOOK_MS);
  }

  /** @param onMail called soon after each message with its recipient */
  static async start(onMail: (recipient: string) => void): Promise<RestartedSink> {
    return new RestartedSink(await mailSink(), onMail);
  }

  /** Messages since the start. */
  get received(): number {
    return this.#received;
  }

  /** Returns the recipients of messages since the last call. */
  takeRecipients(): string[] {
    this.#notice();
    const taken = this.#fresh;
    this.#fresh = [];
    return taken;
  }

  /** Closes all connections, and is away for some ms. */
  async restart(away: number): Promise<void> {
    await this.#sink.close();
    this.#notice();
    await pause(away);
    this.#sink = await mailSink(undefined, { port: this.#port });
    this.#noticed = 0;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#sink.close();
  }

  #notice(): void {
    const { mails } = this.#sink;
    for (; this.#noticed < mails.length; this.#noticed++) {
      const to = mails[this.#noticed]?.to ?? '';
      this.#received++;
      this.#fresh.push(to);
      this.#onMail(to);
    }
  }
}
