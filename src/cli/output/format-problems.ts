import type { CatalogProblem } from '../../errors.ts';

type PrintedProblem = CatalogProblem & { readonly severity?: string; readonly code?: string };

/** Formats each problem as one line: `rules.yaml:3:5: error invalid: unknown key "whn" in WELCOME (did you mean when?)`. */
export function formatProblems(problems: readonly PrintedProblem[]): string[] {
  return problems.map(({ file, line, column, severity, code, message, hint }) => {
    const label = [severity, code].filter(Boolean).join(' ');
    return `${file}:${line}:${column}: ${label ? `${label}: ` : ''}${message}${hint ? ` (${hint})` : ''}`;
  });
}

/** Whether a value of a response is a list of catalog problems. */
export function isProblemList(value: unknown): value is readonly PrintedProblem[] {
  return (
    Array.isArray(value) && value.every((one) => typeof one?.file === 'string' && typeof one?.message === 'string')
  );
}
