import { Button, Group, Stack, Text } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import type { TenantPage } from '@tidings/client/types';
import { getTenants, setTenantStatus, USAGE_DAYS } from '../api/govern.ts';
import { getSession } from '../api/session.ts';
import { FactTable } from '../channels/FactTable.tsx';
import { linkToOverview, openLink } from '../route.ts';
import { announce } from '../shell/announce.tsx';
import { ConfirmButton } from '../shell/ConfirmButton.tsx';
import { IconBan, IconCircle, IconPause } from '../shell/icons.tsx';
import { CHANNELS, getLook, type Look } from '../shell/outcome.ts';
import { PageTitle } from '../shell/PageTitle.tsx';
import { Permitted } from '../shell/Permitted.tsx';
import { IconArrowRight, IconPlay } from '../shell/page-icons.tsx';
import { StatusBadge } from '../shell/StatusBadge.tsx';
import { Time } from '../shell/Time.tsx';
import { setTenant } from '../tenant.ts';
import { T } from '../text/T.tsx';
import { formatCount, t } from '../text/text.ts';
import { ChangeTenant, CreateTenant } from './TenantForms.tsx';

type ListedTenant = TenantPage['tenants'][number];

const STATES: Record<ListedTenant['status'], Look> = {
  active: { label: t('Active'), color: 'gray', Icon: IconCircle },
  suspended: { label: t('Suspended'), color: 'orange', Icon: IconPause },
  moving: { label: t('Moving'), color: 'orange', Icon: IconArrowRight },
  deleting: { label: t('Being deleted'), color: 'red', Icon: IconBan },
};

/** Tenants of the installation, for its operator: how much each uses, its limits, and whether it is suspended. */
export function TenantsPage() {
  return (
    <Stack gap="md">
      <Group justify="space-between">
        <PageTitle>{t('Tenants')}</PageTitle>
        <CreateTenant />
      </Group>
      <Permitted scope="tenants:read">
        <FactTable
          title={t('Tenants of this installation')}
          testId="tenants"
          load={getTenants}
          getItems={({ tenants }) => tenants}
          getId={({ tenant_id: id }) => id}
          empty={t('There is no tenant.')}
          numbers={[t('Events'), t('Notifications'), t('Messages')]}
          columns={{
            [t('Tenant')]: (tenant) => <Name tenant={tenant} />,
            [t('State')]: ({ status, suspended_at: at }) => (
              <>
                <StatusBadge look={getLook(STATES, status)} testId="tenant-state" />
                {at !== null && (
                  <Text size="xs" c="dimmed" mt={2}>
                    <T text="since {time}" values={{ time: <Time value={at} /> }} />
                  </Text>
                )}
              </>
            ),
            [t('Events')]: ({ usage }) => (usage ? formatCount(usage.events) : '–'),
            [t('Notifications')]: ({ usage }) => (usage ? formatCount(usage.decided) : '–'),
            [t('Messages')]: ({ usage }) => (usage ? formatCount(usage.sent) : '–'),
            [t('Limits')]: ({ settings: { limits } }) => describeLimits(limits),
            [t('Created')]: ({ created_at: at }) => <Time value={at} />,
            [t('Actions')]: (tenant) => <Actions tenant={tenant} />,
          }}
        />
        <Text size="xs" c="dimmed">
          {t(
            'Numbers of the last {days, number} days, those of UTC, today included; those of test keys are not counted.',
            { days: USAGE_DAYS },
          )}
        </Text>
      </Permitted>
    </Stack>
  );
}

function Name({ tenant: { tenant_id: id, name, follows } }: { tenant: ListedTenant }) {
  return (
    <>
      <Text size="sm" fw={600} className="break">
        {name}
      </Text>
      <Text size="xs" c="dimmed" className="name">
        {id}
      </Text>
      {follows !== null && (
        <Text size="xs" c="dimmed">
          {t('has the catalog of {tenant}', { tenant: follows })}
        </Text>
      )}
    </>
  );
}

/** Says the limits of messages in words: "SMS: 600 per minute". */
function describeLimits(limits: ListedTenant['settings']['limits']): string {
  const parts = Object.entries(limits ?? {}).flatMap(([channel, scopes]) =>
    Object.entries(scopes ?? {}).flatMap(([scope, limit]) =>
      Object.entries(limit ?? {}).map(([period, count]) => {
        const label = CHANNELS[channel as keyof typeof CHANNELS]?.label ?? channel;
        return t(
          '{channel}: {count, number} {period, select, per_second {per second} per_minute {per minute} per_hour {per hour} per_day {per day} other {{period}}}{isOfUser, select, true { and user} other {}}',
          { channel: label, count, period, isOfUser: scope === 'user' },
        );
      }),
    ),
  );
  return parts.length === 0 ? t('no limit') : parts.join(', ');
}

function Actions({ tenant }: { tenant: ListedTenant }) {
  const { tenant_id: id, status } = tenant;
  const queries = useQueryClient();
  const session = useQuery({ queryKey: ['session'], queryFn: getSession });
  const isShown = session.data?.tenant_id === id;
  const act = async (command: 'suspend' | 'resume', done: string) => {
    await setTenantStatus(id, command);
    await queries.invalidateQueries({ queryKey: ['tenants'] });
    return done;
  };
  return (
    <Group gap="xs">
      {!isShown && status === 'active' && (
        <Button
          size="xs"
          variant="default"
          onClick={() => {
            setTenant(id);
            openLink(linkToOverview());
            void queries.resetQueries();
            announce(t('This tab shows the tenant {tenant}.', { tenant: id }));
          }}
          data-testid="tenant-show"
        >
          {t('Show')}
        </Button>
      )}
      {status !== 'deleting' && <ChangeTenant key={tenant.revision} tenant={tenant} />}
      {status === 'active' && !isShown && (
        <ConfirmButton
          needs="tenants:write"
          label={t('Suspend')}
          leftSection={<IconPause size={14} />}
          color="red"
          typed={id}
          act={() => act('suspend', t('The tenant {tenant} is suspended.', { tenant: id }))}
          testId="tenant-suspend"
        >
          {t(
            'Its requests are rejected, and nothing is sent or fired. Nothing of it is lost: what was open goes on when it is resumed.',
          )}
        </ConfirmButton>
      )}
      {(status === 'suspended' || status === 'moving') && (
        <ConfirmButton
          needs="tenants:write"
          label={t('Resume')}
          leftSection={<IconPlay size={14} />}
          act={() => act('resume', t('The tenant {tenant} is active again.', { tenant: id }))}
          testId="tenant-resume"
        >
          {t('Its requests are accepted again, and what was open goes on.')}
        </ConfirmButton>
      )}
    </Group>
  );
}
