/** Tenant that this tab shows, for members of several. It is kept in sessionStorage, which ends with the tab. */

const STORAGE_KEY = 'tidings.tenant';

/** Returns the selected tenant; null: the one that the API chooses. */
export function getTenant(): string | null {
  return sessionStorage.getItem(STORAGE_KEY);
}

export function setTenant(tenantId: string | null): void {
  if (tenantId === null) sessionStorage.removeItem(STORAGE_KEY);
  else sessionStorage.setItem(STORAGE_KEY, tenantId);
}
