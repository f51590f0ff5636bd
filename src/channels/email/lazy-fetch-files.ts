import type { Millis } from '../../model/event.ts';
import type { FetchFiles } from './fetch-files.ts';

/** Fetches the files of emails. Loads its HTTP client with the first one: most installations send none. */
export class LazyFetchFiles {
  #opened: Promise<{ readonly fetchFiles: FetchFiles; close(): Promise<void> }> | undefined;
  readonly #clock: () => Millis;

  constructor(clock: () => Millis) {
    this.#clock = clock;
  }

  readonly fetch: FetchFiles = async (files, sender, signal) => {
    this.#opened ??= this.#open();
    return (await this.#opened).fetchFiles(files, sender, signal);
  };

  async close(): Promise<void> {
    await (await this.#opened)?.close();
  }

  async #open() {
    const [{ GuardedClient }, { createFetchFiles }] = await Promise.all([
      import('../../http-out/guarded-client.ts'),
      import('./fetch-files.ts'),
    ]);
    const client = new GuardedClient();
    return { fetchFiles: createFetchFiles(client, this.#clock), close: () => client.close() };
  }
}
