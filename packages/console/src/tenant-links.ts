/* Links that name the tenant that was chosen in this tab, for other tabs and other members. */
import { findAnchor, inTenant, openLink } from './route.ts';
import { getTenant, setTenant } from './tenant.ts';

/** Returns a link of this console with its origin, to be copied. */
export const toShared = (link: string): string => `${location.origin}${inTenant(link)}`;

/** Chooses the tenant that this tab shows; null: that of the API's choice. The page and its address are of it from now on. */
export function showTenant(tenantId: string | null): void {
  setTenant(tenantId);
  openLink(location.pathname + location.search);
}

/** Adds the tenant to each link before it is opened in a new tab, or copied by a menu of the browser. */
export function nameTenantInLinks(): void {
  const nameTenant = (event: Event) => {
    const anchor = getTenant() === null ? null : findAnchor(event);
    anchor?.setAttribute('href', inTenant(anchor.getAttribute('href') ?? ''));
  };
  for (const kind of ['pointerdown', 'focusin']) document.addEventListener(kind, nameTenant, true);
}
