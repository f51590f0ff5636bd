import type { CatalogProblem } from '../errors.ts';

type PrintedProblem = CatalogProblem & { readonly severity?: string; readonly code?: string };

/** `rules.yaml:3:5: error unknown_key: …`, a line each. */
export function problemLines(problems: readonly PrintedProblem[]): string[] {
  return problems.map(({ file, line, column, severity, code, message, hint }) => {
    const what = [severity, code].filter(Boolean).join(' ');
    return `${file}:${line}:${column}: ${what ? `${what}: ` : ''}${message}${hint ? ` (${hint})` : ''}`;
  });
}

export function isCatalogProblems(value: unknown): value is readonly PrintedProblem[] {
  return (
    Array.isArray(value) && value.every((one) => typeof one?.file === 'string' && typeof one?.message === 'string')
  );
}
