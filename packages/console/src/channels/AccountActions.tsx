import { Group, Stack, Text, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { ProviderAccount } from '@tidings/client/types';
import { useState } from 'react';
import { CHANNEL_DESCRIPTORS } from '../../../../src/model/channels/channels.ts';
import { checkAccount, sendAccountTest, setAccountEnabled } from '../api/channels.ts';
import { ActionButton } from '../shell/ActionButton.tsx';
import { ConfirmButton } from '../shell/ConfirmButton.tsx';
import { IconPause, IconSend } from '../shell/icons.tsx';
import { ProblemView } from '../shell/ProblemView.tsx';
import { IconPlay } from '../shell/page-icons.tsx';
import { useScopes } from '../shell/use-scopes.ts';
import { t } from '../text/text.ts';
import { FailoverButton } from './FailoverButton.tsx';

/** Commands for an account: ask the provider, send a test, pause and resume. Renders nothing for who may not. */
export function AccountActions({ account }: { account: ProviderAccount }) {
  const may = useScopes();
  const queries = useQueryClient();
  const check = useMutation({ mutationFn: () => checkAccount(account.account) });
  if (!may('accounts:write')) return null;
  const setEnabled = async (enabled: boolean) => {
    await setAccountEnabled(account.account, enabled);
    await queries.invalidateQueries({ queryKey: ['accounts'] });
    return enabled
      ? t('Messages go by {account} again.', { account: account.account })
      : t('Nothing more is sent by {account}.', { account: account.account });
  };
  return (
    <Stack gap={4}>
      <Group gap="xs">
        <ActionButton
          needs="accounts:write"
          action="check"
          busy={check.isPending}
          onClick={() => check.mutate()}
          data-testid="account-check"
        >
          {t('Check')}
        </ActionButton>
        <TestSend account={account} />
        {account.enabled ? (
          <ConfirmButton
            needs="accounts:write"
            label={t('Drain and pause')}
            leftSection={<IconPause size={14} />}
            act={() => setEnabled(false)}
            testId="account-pause"
          >
            {t(
              'No new message is begun by this account; those that are being sent by it end as usual, and what was handed to it is not called back. Other messages go by the next account of their route; without another account of the tenant, by that of the installation.',
            )}
          </ConfirmButton>
        ) : (
          <ConfirmButton
            needs="accounts:write"
            label={t('Resume')}
            leftSection={<IconPlay size={14} />}
            act={() => setEnabled(true)}
            testId="account-resume"
          >
            {t('Messages go by this account again, also those that wait for it.')}
          </ConfirmButton>
        )}
        {account.enabled && <FailoverButton account={account} />}
      </Group>
      <div role="status">
        {check.error && <ProblemView problem={check.error} />}
        {check.data && (
          <Text size="sm" className="break" data-testid="check-result">
            {check.data.ok === null && t('The provider offers no way to ask.')}
            {check.data.ok === true && t('The provider lets us in.')}
            {check.data.ok === false && check.data.reason}
          </Text>
        )}
      </div>
    </Stack>
  );
}

/** Button that sends one plain message to an address by the account. Renders nothing for channels without such addresses. */
function TestSend({ account: { account, channels } }: { account: ProviderAccount }) {
  const channel = channels.find((each) => CHANNEL_DESCRIPTORS[each]?.addressKind !== undefined);
  const [to, setTo] = useState('');
  if (channel === undefined) return null;
  const isEmail = CHANNEL_DESCRIPTORS[channel].addressKind === 'email';
  return (
    <ConfirmButton
      needs="accounts:write"
      label={t('Send a test')}
      leftSection={<IconSend size={14} />}
      isFilled={to.trim() !== ''}
      act={async () => {
        const target = isEmail ? { email: to.trim() } : { phone: to.trim() };
        const { outcome, reason, duration_ms: ms } = await sendAccountTest(account, channel, target);
        if (outcome === 'sent') return t('The provider accepted the test in {ms} ms.', { ms });
        return outcome === 'sandboxed'
          ? t('The test was kept in the sandbox.')
          : t('Not sent: {reason}', { reason: reason ?? outcome });
      }}
      testId="account-test"
    >
      <TextInput
        label={isEmail ? t('Email address') : t('Phone number, such as +351912345678')}
        value={to}
        onChange={(event) => setTo(event.currentTarget.value)}
        autoComplete="off"
        data-testid="account-test-to"
      />
    </ConfirmButton>
  );
}
