import { Button, Menu } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import { getSession, logOut } from '../api/session.ts';
import { forgetApiKey } from '../key.ts';
import { getTenant, setTenant } from '../tenant.ts';

/** Menu of a member who is logged in: name, tenants to choose from, logout. Nothing for anyone else. */
export function AccountMenu() {
  const queries = useQueryClient();
  const { data } = useQuery({ queryKey: ['session'], queryFn: getSession });
  // A tenant that the member has left since: the API chooses again.
  const isLeft = data?.code === 'not_found' && getTenant() !== null;
  useEffect(() => {
    if (!isLeft) return;
    setTenant(null);
    void queries.resetQueries();
  }, [isLeft, queries]);
  if (data?.actor?.kind !== 'member') return null;
  const { actor, tenants, tenant_id: current } = data;
  const select = (tenantId: string) => {
    setTenant(tenantId);
    void queries.resetQueries();
  };
  const leave = async () => {
    await logOut();
    setTenant(null);
    forgetApiKey();
    void queries.resetQueries();
  };
  return (
    <Menu position="bottom-end" withinPortal>
      <Menu.Target>
        <Button variant="default" size="compact-md" aria-label={`Account of ${actor.name}`}>
          {tenants.length > 1 ? `${actor.name} · ${current}` : actor.name}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {tenants.length > 1 && <Menu.Label>Tenants</Menu.Label>}
        {tenants.length > 1 &&
          tenants.map(({ tenant_id, name, role }) => (
            <Menu.Item
              key={tenant_id}
              onClick={() => select(tenant_id)}
              aria-current={tenant_id === current ? 'true' : undefined}
            >
              {name} ({role})
            </Menu.Item>
          ))}
        {tenants.length > 1 && <Menu.Divider />}
        <Menu.Item onClick={() => void leave()}>Log out</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
