import type { Millis } from '../model/event.ts';
import type { Actor, Environment, Scope } from '../model/principal.ts';
import { environmentOf, type StoredKey } from '../store/keys/api-keys.ts';
import { isoTime, isoTimeOrNull } from '../time/iso-time.ts';

/** A key as the API, the CLI and the audit log show it: never with its text. */
export interface KeyView {
  readonly key_id: string;
  readonly name: string;
  readonly environment: Environment;
  readonly status: 'active' | 'expired' | 'revoked';
  readonly scopes: readonly Scope[];
  readonly is_installation: boolean;
  /** The last characters of the key. */
  readonly last4: string;
  readonly per_minute: number | null;
  readonly created_by: Pick<Actor, 'kind' | 'id' | 'name'>;
  readonly created_at: string;
  readonly expires_at: string | null;
  readonly revoked_at: string | null;
  readonly rotated_from: string | null;
  readonly replaced_by: string | null;
  readonly last_used_at: string | null;
}

export function toKeyView(key: StoredKey, now: Millis): KeyView {
  const { kind, id, name } = key.createdBy;
  const isExpired = key.expiresAt !== null && key.expiresAt <= now;
  return {
    key_id: key.keyId,
    name: key.name,
    environment: environmentOf(key.tenantId),
    status: key.revokedAt !== null ? 'revoked' : isExpired ? 'expired' : 'active',
    scopes: key.scopes,
    is_installation: key.isInstallation,
    last4: key.last4,
    per_minute: key.perMinute,
    created_by: { kind, id, name },
    created_at: isoTime(key.createdAt),
    expires_at: isoTimeOrNull(key.expiresAt),
    revoked_at: isoTimeOrNull(key.revokedAt),
    rotated_from: key.rotatedFrom,
    replaced_by: key.replacedBy,
    last_used_at: isoTimeOrNull(key.lastUsedAt),
  };
}
