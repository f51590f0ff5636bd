/* `text.matches("pattern")`: RE2 syntax, linear time, matches anywhere in the text, compiled with the condition. */
import type { ASTNode } from '@marcbachmann/cel-js';
import { RE2JS, RE2JSException } from 're2js';
import { BOOL } from '../type.ts';
import { describeKinds, isFailure } from '../value.ts';
import {
  type Code,
  type CompileContext,
  consumeSteps,
  type Evaluate,
  toFault,
  toPlaceholder,
  typeFault,
} from './code.ts';

const MAX_PATTERN_CHARS = 256;
/** Maximum size of a compiled pattern, in RE2 instructions; `[a-z]{1,100}` has some hundred. */
const MAX_PROGRAM_INSTRUCTIONS = 1000;
const MAX_TEXT_CHARS = 4096;

export function compileMatches(ctx: CompileContext, node: ASTNode, args: readonly ASTNode[]): Code {
  const [subject, pattern] = args;
  const failed: Code = { ...toPlaceholder(node), type: BOOL };
  if (!subject || !pattern || args.length !== 2) {
    ctx.problem(node.start, 'matches takes one pattern', 'as in event.code.matches("^AB[0-9]+$")');
    return failed;
  }
  const text = ctx.compile(subject);
  const { kind } = text.type;
  if (kind !== 'dyn' && kind !== 'string') {
    ctx.problem(text.offset, `${text.label} is ${describeKinds([kind])}, matches needs text`);
  }
  if (pattern.op !== 'value' || typeof pattern.args !== 'string') {
    ctx.problem(pattern.start, 'the pattern of matches must be written out, between quotes');
    return failed;
  }
  const regex = compilePattern(ctx, pattern.args, pattern.start);
  if (!regex) return failed;

  // The engine may process each instruction for each character.
  const cost = 1 + (regex.programSize() >> 3);
  const run: Evaluate = (frame) => {
    const value = text.run(frame);
    if (isFailure(value)) return value;
    if (typeof value !== 'string') return typeFault(frame, text, value, ['string']);
    if (value.length > MAX_TEXT_CHARS) {
      return toFault(frame, `${text.label} has ${value.length} characters, matches looks at ${MAX_TEXT_CHARS} at most`);
    }
    return consumeSteps(frame, (value.length * cost) >> 2) ?? regex.test(value);
  };
  return { run, type: BOOL, label: `${text.label}.matches(…)`, offset: node.start };
}

function compilePattern(ctx: CompileContext, pattern: string, offset: number): RE2JS | undefined {
  if (pattern.length > MAX_PATTERN_CHARS) {
    ctx.problem(offset, `the pattern is longer than ${MAX_PATTERN_CHARS} characters`);
    return undefined;
  }
  try {
    const regex = RE2JS.compile(pattern);
    if (regex.programSize() <= MAX_PROGRAM_INSTRUCTIONS) return regex;
    ctx.problem(offset, 'the pattern is too large: its repetitions unfold to too many steps');
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error;
    ctx.problem(
      offset,
      `the pattern is not a regular expression (RE2): ${error.message.replace(/^error parsing regexp: /, '')}`,
    );
  }
  return undefined;
}
