import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** A helper in a process of its own, so that its work is not counted as ours. Speaks in messages. */
export interface Child<Result> {
  /** Message of the child when it was ready. */
  readonly ready: unknown;
  /** Tells it to begin; its result. */
  go(): Promise<Result>;
  stop(): Promise<void>;
}

/**
 * @param file a file beside this one
 * @param node the Node.js that runs it; absent: this one
 */
export async function startChild<Result>(file: string, order: object, node = process.execPath): Promise<Child<Result>> {
  const options = { execPath: node, execArgv: ['--import', 'tsx'] };
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), [], options);
  child.send(order);
  const ready = await said(child, file);
  return {
    ready,
    async go() {
      child.send('go');
      return (await said(child, file)) as Result;
    },
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, 'exit');
      child.disconnect();
      await gone;
    },
  };
}

async function said(child: ChildProcess, file: string): Promise<unknown> {
  const end = new AbortController();
  try {
    return await Promise.race([
      once(child, 'message', { signal: end.signal }).then(([message]) => message),
      once(child, 'exit', { signal: end.signal }).then(([code]) => {
        throw new Error(`${file} ended with ${code}`);
      }),
    ]);
  } finally {
    end.abort();
  }
}
