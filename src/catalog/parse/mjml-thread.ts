import { once } from 'node:events';
import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import type mjml2html from 'mjml';
import type { Millis } from '../../model/event.ts';

/** The HTML and the errors of a conversion, or one sentence if there is no HTML. */
export type MjmlResult =
  | { readonly html: string; readonly errors: readonly MjmlError[] }
  | { readonly failure: string };

export interface MjmlError {
  readonly tagName: string;
  readonly message: string;
  readonly line: number;
}

type Options = NonNullable<Parameters<typeof mjml2html>[1]>;

/** Real emails take a tenth of a second. */
const DEADLINE_MS: Millis = 10_000;

/** Time after which an idle thread is stopped: it holds tens of megabytes. */
const IDLE_MS: Millis = 5000;

const MAX_MEMORY_MIB = 512;

/**
 * Runs MJML in a thread of its own, which is started on first use. A few hundred kilobytes of inline styles keep MJML busy
 * for a minute, and this process must accept events meanwhile. Converts one template at a time.
 */
export class MjmlThread {
  readonly #deadline: Millis;
  #last: Promise<unknown> = Promise.resolve();
  #worker: Worker | undefined;
  #idleTimer: NodeJS.Timeout | undefined;

  /** @param deadline time (ms) that one conversion may take; the time to load the library is not counted */
  constructor(deadline = DEADLINE_MS) {
    this.#deadline = deadline;
  }

  /** Converts one MJML text to HTML. Rejects only if the library cannot be loaded. */
  toHtml(text: string, options: Options): Promise<MjmlResult> {
    const result = this.#last.then(() => this.#run(text, options));
    this.#last = result.catch(() => {});
    return result;
  }

  async #run(text: string, options: Options): Promise<MjmlResult> {
    clearTimeout(this.#idleTimer);
    this.#worker ??= await startWorker();
    const worker = this.#worker;
    worker.ref();
    worker.postMessage({ text, options });
    const deadline = new AbortController();
    const timer = setTimeout(() => deadline.abort(), this.#deadline);
    try {
      const [result] = await once(worker, 'message', { signal: deadline.signal });
      worker.unref();
      this.#idleTimer = setTimeout(() => this.#stop(worker), IDLE_MS).unref();
      return result;
    } catch (error) {
      await this.#stop(worker);
      return { failure: toFailure(error, this.#deadline) };
    } finally {
      clearTimeout(timer);
    }
  }

  async #stop(worker: Worker): Promise<void> {
    if (this.#worker === worker) this.#worker = undefined;
    await worker.terminate();
  }
}

/** Starts the thread. Resolves when it has loaded the library. */
async function startWorker(): Promise<Worker> {
  const worker = new Worker(THREAD_CODE, {
    eval: true,
    execArgv: [],
    workerData: createRequire(import.meta.url).resolve('mjml'),
    resourceLimits: { maxOldGenerationSizeMb: MAX_MEMORY_MIB },
  });
  await once(worker, 'message');
  // A thread may die while it is idle. The next conversion then fails, and the one after it starts a new thread.
  worker.on('error', () => {});
  return worker;
}

/** Code of the thread, as text, so that neither the bundle nor the test runner needs one more entry file. */
const THREAD_CODE = `
const { parentPort, workerData } = require('node:worker_threads');
const toHtml = require(workerData);
parentPort.on('message', async ({ text, options }) => {
  try {
    const { html, errors } = await toHtml(text, options);
    parentPort.postMessage({ html, errors: errors.map(({ tagName, message, line }) => ({ tagName, message, line })) });
  } catch (error) {
    // The library throws if the text is not MJML at all.
    parentPort.postMessage({ failure: error instanceof Error ? error.message : 'this is not MJML' });
  }
});
parentPort.postMessage('loaded');`;

/** Returns the sentence for a conversion that exceeded a bound. Throws any other error. */
function toFailure(error: unknown, deadline: Millis): string {
  const { name, code } = error as { name?: string; code?: string };
  if (name === 'AbortError') {
    return `MJML takes longer than ${deadline / 1000} s for this template: use fewer tags or fewer inline styles`;
  }
  if (code === 'ERR_WORKER_OUT_OF_MEMORY') {
    return `MJML needs more than ${MAX_MEMORY_MIB} MiB of memory for this template`;
  }
  throw error;
}
