import { once } from 'node:events';
import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import type mjml2html from 'mjml';
import type { Millis } from '../../model/event.ts';

/** What MJML made of a source, or the sentence it gave up with. */
export type MjmlResult =
  | { readonly html: string; readonly errors: readonly MjmlError[] }
  | { readonly failure: string };

export interface MjmlError {
  readonly tagName: string;
  readonly message: string;
  readonly line: number;
}

type Options = NonNullable<Parameters<typeof mjml2html>[1]>;

/** Real e-mails take a tenth of a second. */
const DEADLINE: Millis = 10_000;

/** An idle thread holds tens of megabytes. */
const REST: Millis = 5000;

/** In MiB. */
const MEMORY = 512;

/**
 * MJML in a thread of its own, made when first needed: a few hundred kilobytes of inline styles keep it busy for a minute,
 * and meanwhile this process has events to take in. One source at a time.
 */
export class MjmlThread {
  readonly #deadline: Millis;
  #last: Promise<unknown> = Promise.resolve();
  #worker: Worker | undefined;
  #rest: NodeJS.Timeout | undefined;

  constructor(deadline = DEADLINE) {
    this.#deadline = deadline;
  }

  /** Rejects only when the library cannot be loaded. */
  toHtml(text: string, options: Options): Promise<MjmlResult> {
    const result = this.#last.then(() => this.#run(text, options));
    this.#last = result.catch(() => {});
    return result;
  }

  async #run(text: string, options: Options): Promise<MjmlResult> {
    clearTimeout(this.#rest);
    this.#worker ??= await start();
    const worker = this.#worker;
    worker.ref();
    worker.postMessage({ text, options });
    const impatience = new AbortController();
    const timer = setTimeout(() => impatience.abort(), this.#deadline);
    try {
      const [result] = await once(worker, 'message', { signal: impatience.signal });
      worker.unref();
      this.#rest = setTimeout(() => this.#stop(worker), REST).unref();
      return result;
    } catch (error) {
      await this.#stop(worker);
      return { failure: whyNot(error, this.#deadline) };
    } finally {
      clearTimeout(timer);
    }
  }

  async #stop(worker: Worker): Promise<void> {
    if (this.#worker === worker) this.#worker = undefined;
    await worker.terminate();
  }
}

/** Resolves when the library is loaded, which does not count for the deadline. */
async function start(): Promise<Worker> {
  const worker = new Worker(CODE, {
    eval: true,
    execArgv: [],
    workerData: createRequire(import.meta.url).resolve('mjml'),
    resourceLimits: { maxOldGenerationSizeMb: MEMORY },
  });
  await once(worker, 'message');
  // One that dies while nobody waits for it: the next source is given up, and then there is a new one.
  worker.on('error', () => {});
  return worker;
}

/** As text: neither a bundle nor a test runner need know of one more file to start from. */
const CODE = `
const { parentPort, workerData } = require('node:worker_threads');
const toHtml = require(workerData);
parentPort.on('message', async ({ text, options }) => {
  try {
    const { html, errors } = await toHtml(text, options);
    parentPort.postMessage({ html, errors: errors.map(({ tagName, message, line }) => ({ tagName, message, line })) });
  } catch (error) {
    // The library throws for what is not MJML at all.
    parentPort.postMessage({ failure: error instanceof Error ? error.message : 'this is not MJML' });
  }
});
parentPort.postMessage('loaded');`;

function whyNot(error: unknown, deadline: Millis): string {
  const { name, code } = error as { name?: string; code?: string };
  if (name === 'AbortError') {
    return `this takes MJML longer than ${deadline / 1000} s: fewer tags, or fewer inline styles, take less`;
  }
  if (code === 'ERR_WORKER_OUT_OF_MEMORY') return `this takes MJML more than ${MEMORY} MiB of memory`;
  throw error;
}
