/** Why a login did not succeed. The console has a sentence for each, and docs/errors.md a row. */
export type LoginProblem =
  /** The login took more than 10 minutes, was used already, or was begun by another browser. */
  | 'login_expired'
  /** The provider, or the one to log in, said no. */
  | 'login_denied'
  /** The provider does not respond, or not as OpenID Connect says. */
  | 'provider_unavailable'
  /** The response does not prove who it is. */
  | 'login_failed'
  /** No tenant has such a member, or an invitation of a verified address. */
  | 'not_a_member'
  | 'too_many_logins';

export class LoginError extends Error {
  override readonly name = 'LoginError';
  readonly problem: LoginProblem;

  constructor(problem: LoginProblem, message: string, cause?: unknown) {
    super(message, { cause });
    this.problem = problem;
  }
}
