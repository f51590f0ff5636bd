/** The most lines and characters of a request: so it is short, and a line that fails repeats little. */
const MAX_LINES = 5000;
const MAX_CHARS = 1_000_000;

/** Lines of a file that are sent together. */
export interface FilePart {
  /** Each ends with a line break. */
  readonly text: string;
  readonly lines: number;
  /** Bytes of the file up to the end of these lines, about. */
  readonly bytes: number;
}

/** Reads a file in parts, without its first `skip` lines. A part at a time is in memory. A last line may lack its line break. */
export async function* readParts(file: Blob, skip: number): AsyncGenerator<FilePart> {
  const reader = file.stream().pipeThrough(new TextDecoderStream()).getReader();
  let [rest, left, bytes] = ['', skip, 0];
  let [text, lines] = ['', 0];
  for (;;) {
    const { value, done } = await reader.read();
    rest += value ?? '';
    const found = rest.split('\n');
    rest = done ? '' : (found.pop() as string);
    // Behind the last line break is no line.
    if (done && found.at(-1) === '') found.pop();
    for (const line of found) {
      bytes += line.length + 1;
      if (left > 0) {
        left -= 1;
        continue;
      }
      text += `${line.replace(/\r$/, '')}\n`;
      lines += 1;
      if (lines < MAX_LINES && text.length < MAX_CHARS) continue;
      yield { text, lines, bytes };
      [text, lines] = ['', 0];
    }
    if (done) break;
  }
  if (lines > 0) yield { text, lines, bytes: file.size };
}
