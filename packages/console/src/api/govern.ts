import type {
  ApiKey,
  ApiKeyPage,
  AuditLogPage,
  IssuedApiKey,
  Member,
  MemberPage,
  NewApiKey,
  NewMember,
  NewTenant,
  RotatedApiKey,
  Tenant,
  TenantChange,
  TenantPage,
} from '@tidings/client/types';
import type { AuditFilter } from '../route.ts';
import { buildQuery, callApi, loadText } from './call.ts';

/** Returns a page of 50 changes, newest first. `after`: as for `getAudit`. */
export const getAuditLog = (filter: AuditFilter, after: string | null): Promise<AuditLogPage> =>
  callApi(`audit-log?${buildQuery({ limit: '50', ...filter, after })}`);

/** Returns all of these changes as lines of JSON, newest first. */
export const exportAuditLog = (filter: AuditFilter): Promise<string> =>
  loadText(`audit-log/export?${buildQuery({ ...filter })}`);

/** Returns a page of 50 keys, newest first, without their texts. */
export const getKeys = (after: string | null): Promise<ApiKeyPage> =>
  callApi(`keys?${buildQuery({ limit: '50', after })}`);

/** Creates a key; the answer has its text, which is never shown again. */
export const createKey = (key: NewApiKey): Promise<IssuedApiKey> => callApi('keys', 'POST', key);

/** Replaces a key; the old one works for another `overlap`, such as 24h. */
export const rotateKey = (id: string, overlap: string): Promise<RotatedApiKey> =>
  callApi(`keys/${encodeURIComponent(id)}/rotate`, 'POST', { overlap });

export const revokeKey = (id: string): Promise<ApiKey> => callApi(`keys/${encodeURIComponent(id)}`, 'DELETE');

/** Returns a page of 50 members, in the order in which they were added. */
export const getMembers = (after: string | null): Promise<MemberPage> =>
  callApi(`members?${buildQuery({ limit: '50', after })}`);

export const addMember = (member: NewMember): Promise<Member> => callApi('members', 'POST', member);

export const changeRole = (id: string, role: Member['role']): Promise<Member> =>
  callApi(`members/${encodeURIComponent(id)}`, 'PATCH', { role });

export const removeMember = (id: string): Promise<Member> => callApi(`members/${encodeURIComponent(id)}`, 'DELETE');

/** Days of the usage that tenants are shown with. */
export const USAGE_DAYS = 30;

/** Returns a page of 50 tenants in order of their ids, each with its usage. */
export const getTenants = (after: string | null): Promise<TenantPage> =>
  callApi(`tenants?${buildQuery({ limit: '50', usage_days: String(USAGE_DAYS), after })}`);

export const createTenant = (tenant: NewTenant): Promise<Tenant> => callApi('tenants', 'POST', tenant);

/** Throws a Problem `outdated` if it was changed since this revision. */
export const changeTenant = (id: string, change: TenantChange, revision: number): Promise<Tenant> =>
  callApi(`tenants/${encodeURIComponent(id)}`, 'PATCH', change, undefined, { 'if-match': `"${revision}"` });

/** Stops what a tenant sends and fires, or lets it go on. */
export const setTenantStatus = (id: string, command: 'suspend' | 'resume'): Promise<Tenant> =>
  callApi(`tenants/${encodeURIComponent(id)}/${command}`, 'POST');
