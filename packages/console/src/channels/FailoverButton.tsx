import { NativeSelect, Stack, Text } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import type { ProviderAccount } from '@tidings/client/types';
import { useState } from 'react';
import { getAccounts, setFailover } from '../api/channels.ts';
import { ConfirmButton } from '../shell/ConfirmButton.tsx';
import { IconSplit } from '../shell/icons.tsx';
import { IconUndo } from '../shell/page-icons.tsx';
import { t } from '../text/text.ts';

/** Button that has the messages of an account go by another one, or by itself again. Renders nothing without another one. */
export function FailoverButton({ account }: { account: ProviderAccount }) {
  const { account: name, failover_to: current } = account;
  const queries = useQueryClient();
  const all = useQuery({ queryKey: ['provider-accounts'], queryFn: getAccounts });
  const [chosen, setChosen] = useState('');
  const others = (all.data?.accounts ?? []).filter(
    (one) =>
      one.account !== name &&
      one.enabled &&
      one.failover_to === null &&
      account.channels.every((channel) => one.channels.includes(channel)),
  );
  const to = others.find((one) => one.account === chosen)?.account ?? others[0]?.account;
  const change = async (target: string | null) => {
    await setFailover(name, target);
    await Promise.all(
      [['accounts'], ['provider-accounts'], ['sending'], ['routes']].map((queryKey) =>
        queries.invalidateQueries({ queryKey }),
      ),
    );
    return target === null
      ? t('Messages go by {account} again.', { account: name })
      : t('The messages of {account} go by {other}.', { account: name, other: target });
  };
  if (current !== null) {
    return (
      <ConfirmButton
        needs="accounts:write"
        label={t('End the failover')}
        leftSection={<IconUndo size={14} />}
        act={() => change(null)}
        testId="account-failover-end"
      >
        {t('Messages go by {account} again, and no longer by {other} in its place.', {
          account: name,
          other: current,
        })}
      </ConfirmButton>
    );
  }
  if (to === undefined) return null;
  return (
    <ConfirmButton
      needs="accounts:write"
      label={t('Fail over')}
      leftSection={<IconSplit size={14} />}
      act={() => change(to)}
      testId="account-failover"
    >
      <Stack gap="sm">
        <NativeSelect
          label={t('To the account')}
          data={others.map((one) => ({ value: one.account, label: `${one.account} (${one.provider})` }))}
          value={to}
          onChange={(event) => setChosen(event.currentTarget.value)}
          data-testid="failover-to"
        />
        <Text size="sm">
          {t(
            'Messages that would go by {account} go by this account, until you end the failover: it does not end by itself. What is in doubt stays with {account}.',
            { account: name },
          )}
        </Text>
      </Stack>
    </ConfirmButton>
  );
}
