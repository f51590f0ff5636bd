import { Button, Group } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import type { Session } from '../api/session.ts';
import { showTenant } from '../tenant-links.ts';
import { t } from '../text/text.ts';

/** Tenants that are offered at most; the menu of the member has all. */
const MAX_OFFERED = 12;

/** Returns what shows the same address in another tenant; null: in that of the API's choice. */
export function useShowTenant(): (tenantId: string | null) => void {
  const queries = useQueryClient();
  return (tenantId) => {
    showTenant(tenantId);
    void queries.resetQueries();
  };
}

/** Tenants in which the same address can be looked up. */
export function TenantButtons({ tenants }: { tenants: Session['tenants'] }) {
  const show = useShowTenant();
  return (
    <Group gap="xs">
      {tenants.slice(0, MAX_OFFERED).map(({ tenant_id: id }) => (
        <Button key={id} size="xs" variant="default" onClick={() => show(id)} data-testid="tenant-button">
          {t('Look in {tenant}', { tenant: id })}
        </Button>
      ))}
    </Group>
  );
}
