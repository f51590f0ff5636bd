import { Stack, Text } from '@mantine/core';
import type { Session } from '../api/session.ts';
import { t } from '../text/text.ts';
import { Dialog } from './Dialog.tsx';
import { TenantButtons, useShowTenant } from './TenantButtons.tsx';

interface WrongTenantProps {
  /** The tenant that the address or this tab names. */
  readonly asked: string;
  /** Tenants that can be shown. */
  readonly tenants: Session['tenants'];
}

/** That a tenant cannot be shown, and those that can: the same address in another tenant may be of something else. */
export function WrongTenant({ asked, tenants }: WrongTenantProps) {
  const show = useShowTenant();
  return (
    <Dialog opened onClose={() => show(null)} title={t('The tenant {tenant} cannot be shown', { tenant: asked })}>
      <Stack gap="sm" data-testid="wrong-tenant">
        <Text size="sm">
          {t('This address is of the tenant {tenant}. It does not exist, or you are no member of it.', {
            tenant: asked,
          })}
        </Text>
        <TenantButtons tenants={tenants} />
      </Stack>
    </Dialog>
  );
}
