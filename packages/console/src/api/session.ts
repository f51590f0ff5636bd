import { callApi } from './call.ts';

/** Sender of the requests of this console, as the API knows it. */
export interface Session {
  login: {
    /** An OpenID provider logs members in. */
    oidc: boolean;
    required: boolean;
  };
  /** Null: unknown. */
  actor: { kind: string; name: string } | null;
  /** Why the sender may do nothing; null: it may do something. */
  code: string | null;
  tenant_id: string | null;
  environment: string | null;
  scopes: string[];
  tenants: { tenant_id: string; name: string; environment: string; role: string }[];
}

export const getSession = (): Promise<Session> => callApi('session');

/** Logs in by a one-time link. Throws a Problem with the code `link_used` if it no longer works. */
export const logInByLink = (link: string): Promise<unknown> => callApi('session', 'POST', { link });

export const logOut = (): Promise<unknown> => callApi('session', 'DELETE');
