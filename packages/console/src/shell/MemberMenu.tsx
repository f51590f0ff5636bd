import { Button, VisuallyHidden } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useEffect } from 'react';
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
    <>
      <Button variant="default" size="compact-md" popoverTarget={MENU}>
        <span className="account-name">{tenants.length > 1 ? `${name} · ${current}` : name}</span>
        <VisuallyHidden>, {t('account')}</VisuallyHidden>
      </Button>
      {/* The browser opens and closes it, and knows that it follows the button: a menu of the library is a quarter of the first page. */}
      <ul id={MENU} popover="auto" className="account-menu" aria-label={t('Account')}>
        {tenants.length > 1 && <li className="account-label">{t('Tenants')}</li>}
        {tenants.length > 1 &&
          tenants.map(({ tenant_id, name: tenant, role }) => (
            <li key={tenant_id}>
              <Item onClick={() => select(tenant_id)} isCurrent={tenant_id === current}>
                {tenant} ({role})
              </Item>
            </li>
          ))}
        <li className="account-end">
          <Item onClick={() => void leave()}>{t('Log out')}</Item>
        </li>
      </ul>
    </>
  );
}

const MENU = 'account-menu';

interface ItemProps {
  readonly onClick: () => void;
  readonly isCurrent?: boolean;
  readonly children: ReactNode;
}

function Item({ onClick, isCurrent = false, children }: ItemProps) {
  return (
    <button
      type="button"
      popoverTarget={MENU}
      popoverTargetAction="hide"
      onClick={onClick}
      aria-current={isCurrent ? 'true' : undefined}
    >
      {children}
    </button>
  );
}
