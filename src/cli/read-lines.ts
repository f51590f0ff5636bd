import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { ConfigError } from '../errors.ts';

/**
 * Yields the lines of a file, one in memory at a time. @param file its path; `-` is standard input
 * @throws ConfigError if it cannot be read
 */
export async function* readLines(file: string): AsyncGenerator<string> {
  const input = file === '-' ? process.stdin : createReadStream(file);
  // An interface does not see the errors of its input, and would wait for ever.
  let failure: NodeJS.ErrnoException | undefined;
  const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
  input.on('error', (error: NodeJS.ErrnoException) => {
    failure = error;
    lines.close();
  });
  yield* lines;
  if (failure) throw new ConfigError(`${file} cannot be read (${failure.code ?? failure.message}).`);
}
