import { isBlankText } from './blank.ts';
import type { PartProblem } from './parse.ts';
import type { GivenValue } from './partial-values.ts';

/** One `{{> name}}`. */
export interface Reference {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  readonly problem: Omit<PartProblem, 'line' | 'column'> | undefined;
  readonly given: readonly GivenValue[];
  readonly stripsBefore: boolean;
  readonly stripsAfter: boolean;
}

/** Returns the `{{> name}}` of a source in order of place. */
export function listReferences(tree: hbs.AST.Program, text: string): Reference[] {
  const found: Reference[] = [];
  const lineStarts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lineStarts.push(at + 1);
  const toOffset = ({ line, column }: { line: number; column: number }) => (lineStarts[line - 1] ?? 0) + column;
  const visit = (program: hbs.AST.Program | undefined): void => {
    for (const node of program?.body ?? []) {
      if (node.type === 'BlockStatement') {
        visit((node as hbs.AST.BlockStatement).program);
        visit((node as hbs.AST.BlockStatement).inverse);
      } else if (node.type === 'PartialStatement' || node.type === 'PartialBlockStatement') {
        const { name, params, hash, strip } = node as hbs.AST.PartialStatement;
        found.push({
          name: name.type === 'PathExpression' ? (name as hbs.AST.PathExpression).original : '',
          from: toOffset(node.loc.start),
          to: toOffset(node.loc.end),
          problem: explainForm(node, name, params.length > 0),
          given: (hash?.pairs ?? []).map(({ key, value }) => toGiven(key, value, toOffset, text)),
          stripsBefore: (strip as { open?: boolean } | undefined)?.open === true,
          stripsAfter: (strip as { close?: boolean } | undefined)?.close === true,
        });
      }
    }
  };
  visit(tree);
  return found.sort((a, b) => a.from - b.from);
}

function toGiven(
  name: string,
  node: hbs.AST.Expression,
  toOffset: (place: { line: number; column: number }) => number,
  text: string,
): GivenValue {
  const { type, loc } = node;
  const from = toOffset(loc.start);
  const isBlank = type === 'StringLiteral' && isBlankText((node as hbs.AST.StringLiteral).value);
  return {
    name,
    source: text.slice(from, toOffset(loc.end)),
    from,
    isEmpty: isBlank || type === 'NullLiteral' || type === 'UndefinedLiteral',
    isPath: type === 'PathExpression',
  };
}

/** Returns why a partial cannot be included in this form. */
function explainForm({ type }: hbs.AST.Statement, name: hbs.AST.Expression, hasContext: boolean): Reference['problem'] {
  if (type === 'PartialBlockStatement') {
    return {
      message: 'a block of a partial (`{{#> name}}`) is not available',
      hint: 'write a layout, or `{{> name}}`',
    };
  }
  const path = name as hbs.AST.PathExpression;
  if (name.type !== 'PathExpression' || !/^[A-Za-z0-9][\w-]*$/.test(path.original)) {
    return {
      message: 'the name of a partial is written out',
      hint: 'like `{{> footer}}`, for templates/_partials/footer.html',
    };
  }
  if (!hasContext) return undefined;
  return {
    message: 'a value of a partial has a name',
    hint: 'like `{{> button url=event.url}}`; it sees what is seen where it stands: `{{#with event.item}}{{> row}}{{/with}}`',
  };
}
