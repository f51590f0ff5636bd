import { writeSync } from 'node:fs';
import { inspect } from 'node:util';
import { createTransport, type Event as SentryEvent, type StackFrame } from '@sentry/core';
import { ServerRuntimeClient } from '@sentry/core/server';
import type { Logger } from 'pino';
import { ROOT } from '../lib/package-root.ts';
import { VERSION } from '../lib/package-version.ts';
import type { Millis } from '../model/event.ts';
import { type SerializedError, serializeError } from '../privacy/log-serializers.ts';

/** Reports of one kind of error in this time, at most one; and kinds that are remembered. */
const MIN_PAUSE_MS: Millis = 60_000;
const MAX_KINDS = 1000;
const MAX_SEND_MS: Millis = 5000;
const MAX_FLUSH_MS: Millis = 1500;
const MAX_CAUSES = 5;

/** Ids that Tidings makes itself; a caller may choose others. */
const OWN_REQUEST_ID = /^req_[0-9a-f-]{36}$/;

/**
 * Reports what is logged as an error to Sentry: that is what Tidings did not expect. A report has the constant text of the log line,
 * types and codes of the errors, and the lines of code; no message of an error, because it may quote what a user wrote, and nothing of
 * the request but its id. What nothing catches is reported as well, before it ends the process as it does without this. Returns a
 * function that sends the last reports and ends that.
 */
export async function reportErrors(dsn: string, log: Logger): Promise<() => Promise<void>> {
  const client = new ServerRuntimeClient({
    dsn,
    release: VERSION,
    serverName: 'tidings',
    integrations: [],
    sendClientReports: false,
    stackParser: () => [],
    transport: (options) =>
      createTransport(options, async ({ body }) => {
        const signal = AbortSignal.timeout(MAX_SEND_MS);
        // A copy: what TypeScript knows of typed arrays differs between the library and Node.js.
        const bytes = typeof body === 'string' ? body : Buffer.from(body);
        const response = await fetch(options.url, { method: 'POST', body: bytes, signal });
        await response.body?.cancel();
        return {
          statusCode: response.status,
          headers: {
            'x-sentry-rate-limits': response.headers.get('x-sentry-rate-limits'),
            'retry-after': response.headers.get('retry-after'),
          },
        };
      }),
  });
  client.init();
  const reportedAt = new Map<string, Millis>();
  const report = (level: 'error' | 'fatal', line: unknown, text: unknown) => {
    const { err: error, request_id: requestId } = (line ?? {}) as {
      readonly err?: unknown;
      readonly request_id?: unknown;
    };
    if (!(error instanceof Error) || typeof text !== 'string') return;
    const serialized = serializeError(error);
    const kind = [text, serialized.type, serialized.code, serialized.stack?.split('\n', 1)[0]].join('\n');
    const now = performance.now();
    if (now - (reportedAt.get(kind) ?? Number.NEGATIVE_INFINITY) < MIN_PAUSE_MS) return;
    if (reportedAt.size >= MAX_KINDS) reportedAt.clear();
    reportedAt.set(kind, now);
    client.captureEvent(toReport(level, text, serialized, requestId));
  };
  const restore = (['error', 'fatal'] as const).map((level) => {
    const write = log[level].bind(log) as (...args: unknown[]) => void;
    log[level] = (...args: unknown[]) => {
      write(...args);
      try {
        report(level, args[0], args[1]);
      } catch {
        // The log has it.
      }
    };
    return () => {
      log[level] = write;
    };
  });
  let isEnding = false;
  const endProcess = (error: unknown, origin: NodeJS.UncaughtExceptionOrigin) => {
    // As Node.js writes it, at once: the report may take a while, or fail.
    writeSync(
      process.stderr.fd,
      `${error instanceof Error ? error.stack : inspect(error)}\n\nNode.js ${process.version}\n`,
    );
    if (isEnding) return;
    isEnding = true;
    try {
      report('fatal', { err: error instanceof Error ? error : new Error(typeof error) }, UNCAUGHT[origin]);
    } finally {
      void client.close(MAX_FLUSH_MS).then(exit, exit);
    }
  };
  process.on('uncaughtException', endProcess);
  return async () => {
    process.off('uncaughtException', endProcess);
    for (const end of restore) end();
    await client.close(MAX_FLUSH_MS);
  };
}

/** Texts of reports about what nothing has caught. */
const UNCAUGHT: { readonly [origin in NodeJS.UncaughtExceptionOrigin]: string } = {
  uncaughtException: 'an error that nothing caught ended the process',
  unhandledRejection: 'a rejected promise that nothing handled ended the process',
};

/** Ends the process as an error that nothing catches does. */
function exit(): never {
  process.exit(1);
}

function toReport(level: 'error' | 'fatal', text: string, error: SerializedError, requestId: unknown): SentryEvent {
  const chain = listCauses(error);
  const { code, table, constraint } = error;
  return {
    level,
    logger: 'tidings',
    platform: 'node',
    message: text,
    exception: {
      // The innermost first, as Sentry has them.
      values: chain.reverse().map(({ type, code: cause, stack }) => ({
        type,
        value: cause === undefined ? text : `${text} (${cause})`,
        stacktrace: { frames: toFrames(stack) },
      })),
    },
    tags: {
      node: process.versions.node,
      ...(code !== undefined && { code }),
      ...(table !== undefined && { table }),
      ...(constraint !== undefined && { constraint }),
      ...(typeof requestId === 'string' && OWN_REQUEST_ID.test(requestId) && { request_id: requestId }),
    },
  };
}

function listCauses(error: SerializedError): SerializedError[] {
  const chain: SerializedError[] = [];
  for (let one: SerializedError | undefined = error; one && chain.length < MAX_CAUSES; one = one.cause) chain.push(one);
  return chain;
}

const FRAME = /^ {4}at (?:(?:async )?(.+?) \()?(?:file:\/\/)?([^()]+?):(\d+):(\d+)\)?$/;

/** Returns the frames of a stack, the outermost first. Paths begin at the folder of the program. */
function toFrames(stack = ''): StackFrame[] {
  return stack
    .split('\n')
    .flatMap((line) => {
      const [, name = '?', path, row, column] = FRAME.exec(line) ?? [];
      if (path === undefined) return [];
      const filename = path.startsWith(ROOT) ? path.slice(ROOT.length).replace(/^[\\/]/, '') : path;
      const isOwn = path.startsWith(ROOT) && !path.includes('node_modules');
      return [{ function: name, filename, lineno: Number(row), colno: Number(column), in_app: isOwn }];
    })
    .reverse();
}
