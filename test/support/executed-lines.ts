import type { Profiler } from 'node:inspector';

/**
 * Returns the lines of a source file, counted from 1, that were executed: those that an executed part of the generated
 * code was made from. Comments, types and imports are not code and do not count.
 * @param generated the code that ran
 * @param sourceMapUrl its source map, with one source, as a base64 data URL
 * @param functions block coverage of the generated code
 */
export function executedLines(
  generated: string,
  sourceMapUrl: string,
  functions: readonly Profiler.FunctionCoverage[],
): Set<number> {
  const map = Buffer.from(sourceMapUrl.split(',')[1] ?? '', 'base64').toString();
  const { mappings } = JSON.parse(map) as { mappings: string };
  const counts = countExecutions(generated.length, functions);
  const lineOffsets = findLineOffsets(generated);
  const executed = new Set<number>();
  for (const { line, column, sourceLine } of decodeMappings(mappings)) {
    const count = counts[(lineOffsets[line] as number) + column] ?? 0;
    if (count > 0) executed.add(sourceLine + 1);
  }
  return executed;
}

/** Returns how often each character was executed. Ranges are nested, and the innermost one counts. */
function countExecutions(length: number, functions: readonly Profiler.FunctionCoverage[]): Uint32Array {
  const counts = new Uint32Array(length);
  const ranges = functions.flatMap((one) => one.ranges);
  ranges.sort((a, b) => a.startOffset - b.startOffset || b.endOffset - a.endOffset);
  for (const { startOffset, endOffset, count } of ranges) counts.fill(count, startOffset, endOffset);
  return counts;
}

function findLineOffsets(text: string): number[] {
  const offsets = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) offsets.push(at + 1);
  return offsets;
}

/** A position in the generated code, and the line of the source that it was made from. All count from 0. */
interface Mapping {
  readonly line: number;
  readonly column: number;
  readonly sourceLine: number;
}

/** Reads the `mappings` of a source map (ECMA-426, "Mappings structure"). */
function* decodeMappings(mappings: string): Iterable<Mapping> {
  let sourceLine = 0;
  for (const [line, segments] of mappings.split(';').entries()) {
    let column = 0;
    for (const segment of segments.split(',')) {
      const [columns = 0, _source, sourceLines] = decodeNumbers(segment);
      column += columns;
      if (sourceLines === undefined) continue;
      sourceLine += sourceLines;
      yield { line, column, sourceLine };
    }
  }
}

const BASE64_DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/**
 * Decodes base64 VLQ: each digit holds five bits of a number, the lowest first, and a sixth bit that says that another
 * digit follows. The lowest bit of a number is its sign.
 */
function decodeNumbers(segment: string): number[] {
  const numbers: number[] = [];
  let value = 0;
  let shift = 0;
  for (const digit of segment) {
    const bits = BASE64_DIGITS.indexOf(digit);
    value += (bits & 31) << shift;
    shift += 5;
    if (bits & 32) continue;
    numbers.push(value & 1 ? -(value >> 1) : value >> 1);
    value = 0;
    shift = 0;
  }
  return numbers;
}
