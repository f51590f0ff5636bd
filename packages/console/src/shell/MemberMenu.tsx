import { Button, Menu, VisuallyHidden } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import { logOut, type Session } from '../api/session.ts';
import { forgetApiKey } from '../key.ts';
import { replaceLink } from '../route.ts';
import { getTenant, setTenant } from '../tenant.ts';
import { showTenant } from '../tenant-links.ts';
import { t } from '../text/text.ts';

/** The menu of a member: tenants to choose from, and logout. `name`: of the member. */
export function MemberMenu({ session, name }: { session: Session; name: string }) {
  const queries = useQueryClient();
  const { tenants, tenant_id: current } = session;
  // A member of several shares addresses that name the one that is shown.
  const chosen = tenants.length > 1 ? current : null;
  useEffect(() => {
    if (chosen === null || getTenant() !== null) return;
    setTenant(chosen);
    replaceLink(location.pathname + location.search);
  }, [chosen]);
  const select = (tenantId: string) => {
    showTenant(tenantId);
    void queries.resetQueries();
  };
  const leave = async () => {
    await logOut();
    setTenant(null);
    replaceLink(location.pathname + location.search);
    forgetApiKey();
    void queries.resetQueries();
  };
  return (
    // Within the header, so that it is in a landmark; the placeholder of the library would be an item without a role.
    <Menu position="bottom-end" withinPortal={false} withInitialFocusPlaceholder={false}>
      <Menu.Target>
        <Button variant="default" size="compact-md">
          <span className="account-name">{tenants.length > 1 ? `${name} · ${current}` : name}</span>
          <VisuallyHidden>, {t('account')}</VisuallyHidden>
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {tenants.length > 1 && <Menu.Label>{t('Tenants')}</Menu.Label>}
        {tenants.length > 1 &&
          tenants.map(({ tenant_id, name: tenant, role }) => (
            <Menu.Item
              key={tenant_id}
              onClick={() => select(tenant_id)}
              aria-current={tenant_id === current ? 'true' : undefined}
            >
              {tenant} ({role})
            </Menu.Item>
          ))}
        {tenants.length > 1 && <Menu.Divider />}
        <Menu.Item onClick={() => void leave()}>{t('Log out')}</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
