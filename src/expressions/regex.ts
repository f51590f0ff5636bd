/** `text.matches("pattern")`: RE2 syntax and linear time, found anywhere in the text, compiled with the condition. */
import type { ASTNode } from '@marcbachmann/cel-js';
import { RE2JS, RE2JSException } from 're2js';
import { broken, type Code, type Compiling, consumeSteps, fault, type Run, typeFault } from './code.ts';
import { BOOL } from './type.ts';
import { inWords, isFailure } from './value.ts';

const MAX_PATTERN = 256;
/** In RE2 instructions: `[a-z]{1,100}` has some hundred. */
const MAX_PROGRAM = 1000;
const MAX_TEXT = 4096;

export function compileMatches(c: Compiling, node: ASTNode, args: readonly ASTNode[]): Code {
  const [subject, pattern] = args;
  const failed: Code = { ...broken(node), type: BOOL };
  if (!subject || !pattern || args.length !== 2) {
    c.problem(node.start, 'matches takes one pattern', 'as in event.code.matches("^AB[0-9]+$")');
    return failed;
  }
  const text = c.compile(subject);
  const { kind } = text.type;
  if (kind !== 'dyn' && kind !== 'string') {
    c.problem(text.offset, `${text.label} is ${inWords([kind])}, matches needs text`);
  }
  if (pattern.op !== 'value' || typeof pattern.args !== 'string') {
    c.problem(pattern.start, 'the pattern of matches must be written out, between quotes');
    return failed;
  }
  const regex = compilePattern(c, pattern.args, pattern.start);
  if (!regex) return failed;

  // The engine may look at each instruction for each character.
  const cost = 1 + (regex.programSize() >> 3);
  const run: Run = (frame) => {
    const value = text.run(frame);
    if (isFailure(value)) return value;
    if (typeof value !== 'string') return typeFault(frame, text, value, ['string']);
    if (value.length > MAX_TEXT) {
      return fault(frame, `${text.label} has ${value.length} characters, matches looks at ${MAX_TEXT} at most`);
    }
    return consumeSteps(frame, (value.length * cost) >> 2) ?? regex.test(value);
  };
  return { run, type: BOOL, label: `${text.label}.matches(…)`, offset: node.start };
}

function compilePattern(c: Compiling, pattern: string, offset: number): RE2JS | undefined {
  if (pattern.length > MAX_PATTERN) {
    c.problem(offset, `the pattern is longer than ${MAX_PATTERN} characters`);
    return undefined;
  }
  try {
    const regex = RE2JS.compile(pattern);
    if (regex.programSize() <= MAX_PROGRAM) return regex;
    c.problem(offset, 'the pattern is too large: its repetitions unfold to too many steps');
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error;
    c.problem(
      offset,
      `the pattern is not a regular expression (RE2): ${error.message.replace(/^error parsing regexp: /, '')}`,
    );
  }
  return undefined;
}
