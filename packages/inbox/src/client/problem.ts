/**
 * Why something failed. `code` is that of the problem document of the server (docs/errors.md), or one of the client: `offline`, `no_token`
 * or `bad_response`.
 */
export class InboxProblem extends Error {
  readonly code: string;
  /** HTTP status; 0: there was no response. */
  readonly status: number;
  /** Whether the same request may work later. */
  readonly isTemporary: boolean;
  /** Seconds after which the server wants to be asked again. */
  readonly retryAfter: number | null;
  /** Place in the request that is wrong. */
  readonly pointer: string | null;

  constructor(
    code: string,
    message: string,
    status = 0,
    retryAfter: number | null = null,
    pointer: string | null = null,
  ) {
    super(message);
    this.name = 'InboxProblem';
    this.code = code;
    this.status = status;
    this.isTemporary = status === 0 || status === 408 || status === 429 || status >= 500;
    this.retryAfter = retryAfter;
    this.pointer = pointer;
  }
}

/** Returns the problem that a response with an error status describes. */
export async function readProblem(response: Response): Promise<InboxProblem> {
  const { code, detail, title, pointer } = (await response.json().catch(() => ({}))) as {
    code?: string;
    detail?: string;
    title?: string;
    pointer?: string;
  };
  const after = Number(response.headers.get('retry-after') || Number.NaN);
  const { status } = response;
  return new InboxProblem(
    code ?? 'bad_response',
    detail ?? title ?? `HTTP ${status}`,
    status,
    after >= 0 ? after : null,
    pointer ?? null,
  );
}

export function toProblem(error: unknown, code: string): InboxProblem {
  return error instanceof InboxProblem ? error : new InboxProblem(code, String((error as Error)?.message ?? error));
}
