import pg from 'pg';

/**
 * Hears NOTIFY on one channel. The connection is its own and comes back by itself; while it is away nothing is heard,
 * so whoever waits for it must also look now and then.
 */
export class NotifyListener {
  readonly #url: string;
  readonly #channel: string;
  readonly #heard: () => void;
  #client: pg.Client | undefined;
  #retry: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(url: string, channel: string, heard: () => void) {
    this.#url = url;
    this.#channel = channel;
    this.#heard = heard;
  }

  async start(): Promise<void> {
    const client = new pg.Client({
      connectionString: this.#url,
      application_name: 'tidings wake-up',
      connectionTimeoutMillis: 5000,
      query_timeout: 5000,
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
    });
    const lost = () => {
      if (this.#client !== client || this.#stopped) return;
      this.#client = undefined;
      this.#retry = setTimeout(() => void this.start(), 1000);
    };
    this.#client = client;
    client.on('error', lost);
    client.on('end', lost);
    client.on('notification', this.#heard);
    try {
      await client.connect();
      await client.query(`listen ${this.#channel}`);
      // What was announced while nobody listened.
      this.#heard();
    } catch {
      lost();
      // Connected, and yet it cannot listen: another one will.
      void client.end().catch(() => {});
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#retry);
    await this.#client?.end().catch(() => {});
  }
}
