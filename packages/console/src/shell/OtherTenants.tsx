import { Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getSession } from '../api/session.ts';
import { t } from '../text/text.ts';
import { TenantButtons } from './TenantButtons.tsx';

/** The tenant in which a missing thing was looked for, and the others of the member. Nothing for a member of one. */
export function OtherTenants() {
  const { data } = useQuery({ queryKey: ['session'], queryFn: getSession });
  if (!data?.tenant_id || data.tenants.length < 2) return null;
  return (
    <Stack gap="xs" mt="sm" data-testid="other-tenants">
      <Text size="sm">{t('It was looked for in the tenant {tenant}.', { tenant: data.tenant_id })}</Text>
      <TenantButtons tenants={data.tenants.filter(({ tenant_id: id }) => id !== data.tenant_id)} />
    </Stack>
  );
}
