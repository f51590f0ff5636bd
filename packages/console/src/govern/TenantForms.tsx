import { Stack, TextInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import type { Tenant, TenantChange } from '@tidings/client/types';
import { useState } from 'react';
import { changeTenant, createTenant } from '../api/govern.ts';
import { ConfirmButton } from '../shell/ConfirmButton.tsx';
import { IconDomain, IconGauge } from '../shell/icons.tsx';
import { JsonField } from '../shell/JsonField.tsx';
import { readObject } from '../shell/parse-object.ts';
import { t } from '../text/text.ts';

const EXAMPLE_LIMITS = '{"CHANNEL": {"tenant": {"per_minute": 600}, "user": {"per_day": 10}}}';

/** Button that creates a tenant. */
export function CreateTenant() {
  const queries = useQueryClient();
  const [id, setId] = useState('');
  const [name, setName] = useState('');
  const [follows, setFollows] = useState('');
  return (
    <ConfirmButton
      needs="tenants:write"
      label={t('Create a tenant')}
      leftSection={<IconDomain size={14} />}
      isFilled={id.trim() !== ''}
      act={async () => {
        const created = await createTenant({
          tenant_id: id.trim(),
          ...(name.trim() !== '' && { name: name.trim() }),
          ...(follows.trim() !== '' && { follows: follows.trim() }),
        });
        await queries.invalidateQueries({ queryKey: ['tenants'] });
        setId('');
        setName('');
        return t('The tenant {tenant} is created. Issue a key for it to let it send.', {
          tenant: created.tenant_id,
        });
      }}
      testId="tenant-create"
    >
      <Stack gap="sm">
        <TextInput
          label={t('ID')}
          description={t('Small letters, digits, - and _; it never changes')}
          value={id}
          onChange={(event) => setId(event.currentTarget.value)}
          maxLength={63}
          autoComplete="off"
          spellCheck={false}
          data-testid="tenant-id"
        />
        <TextInput
          label={t('Name')}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          maxLength={200}
          autoComplete="off"
          data-testid="tenant-name-field"
        />
        <TextInput
          label={t('Has the catalog of')}
          description={t('Another tenant, until it applies one of its own; empty: of the tenant that this tab shows')}
          value={follows}
          onChange={(event) => setFollows(event.currentTarget.value)}
          autoComplete="off"
          spellCheck={false}
        />
      </Stack>
    </ConfirmButton>
  );
}

/** Button that changes the name and the limits of a tenant. */
export function ChangeTenant({ tenant: { tenant_id: id, name, settings, revision } }: { tenant: Tenant }) {
  const queries = useQueryClient();
  const [newName, setName] = useState(name);
  const [limits, setLimits] = useState(settings.limits === undefined ? '' : JSON.stringify(settings.limits, null, 2));
  const parsed = readObject(limits);
  return (
    <ConfirmButton
      needs="tenants:write"
      label={t('Change tenant')}
      leftSection={<IconGauge size={14} />}
      isFilled={newName.trim() !== '' && parsed !== null}
      act={async () => {
        const change = { name: newName.trim(), settings: { limits: parsed ?? null } } as TenantChange;
        await changeTenant(id, change, revision);
        await queries.invalidateQueries({ queryKey: ['tenants'] });
        return t('The tenant {tenant} is changed.', { tenant: id });
      }}
      testId="tenant-change"
    >
      <Stack gap="sm">
        <TextInput
          label={t('Name')}
          value={newName}
          onChange={(event) => setName(event.currentTarget.value)}
          maxLength={200}
          autoComplete="off"
        />
        <JsonField
          label={t('Limits of messages by channel, as JSON')}
          description={t('Of the tenant, and of each of its users: {example}. Empty: none.', {
            example: EXAMPLE_LIMITS,
          })}
          value={limits}
          onChange={setLimits}
          data-testid="tenant-limits"
        />
      </Stack>
    </ConfirmButton>
  );
}
