/**
 * Tenant that this tab shows, for those who may choose one. It is kept in sessionStorage, which ends with the tab, and is part of each
 * address (src/route.ts).
 */

import { ofTab } from './kept-values.ts';
import { isPortal } from './portal/is-portal.ts';

const STORAGE_KEY = 'tidings.tenant';

/** Returns the selected tenant; null: the one that the API chooses. */
export function getTenant(): string | null {
  // A session of the portal has one.
  return isPortal ? null : ofTab.read(STORAGE_KEY);
}

export function setTenant(tenantId: string | null): void {
  ofTab.write(STORAGE_KEY, tenantId);
}
