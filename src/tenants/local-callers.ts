import { TidingsError } from '../errors.ts';
import { DEFAULT_TENANT } from '../model/event.ts';
import { INSTALLATION_SCOPES } from '../model/principal.ts';
import type { Authenticator } from './authenticator.ts';

const LOOPBACK_HOST = /^(localhost|127(\.\d{1,3}){3}|\[::1\]|::1)\.?$/i;
const LOOPBACK_ADDRESS = /^(127(\.\d{1,3}){3}|::1|::ffff:127(\.\d{1,3}){3})$/i;

const SCOPES = new Set(INSTALLATION_SCOPES);
const ACTOR = { kind: 'local', id: 'api', name: 'api' } as const;

/**
 * Recognizes programs on this machine, which may do everything without credentials. Use it only while the server listens on
 * loopback alone (see config.ts). A credential that no authenticator knows is not ignored: its caller expects other rights.
 *
 * The check of the name rejects pages from other sites whose domain was made to resolve to this machine (DNS rebinding).
 */
export const localCallers: Authenticator = ({ token, hostname, address, tenantId = DEFAULT_TENANT }) => {
  if (token !== undefined) return undefined;
  if (LOOPBACK_HOST.test(hostname) && LOOPBACK_ADDRESS.test(address)) {
    return { tenantId, actor: ACTOR, scopes: SCOPES };
  }
  throw new TidingsError(
    'unauthorized',
    'Without API keys, Tidings accepts requests to localhost only: use that name, or set TIDINGS_API_KEYS.',
  );
};
