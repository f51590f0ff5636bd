import { NativeSelect, TextInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import type { NewSuppression } from '@tidings/client/types';
import { useState } from 'react';
import { addSuppression } from '../api/suppressions.ts';
import { ConfirmButton } from '../shell/ConfirmButton.tsx';
import { IconBan } from '../shell/icons.tsx';
import { t } from '../text/text.ts';

const EMPTY: NewSuppression = { channel: 'email', address: '', scope: 'all' };

/** Button that asks for an address that is to get no messages. */
export function AddSuppression() {
  const queries = useQueryClient();
  const [draft, setDraft] = useState(EMPTY);
  const change = (part: Partial<NewSuppression>) => setDraft((before) => ({ ...before, ...part }));
  const add = async () => {
    const { channel, address, scope, note = '' } = draft;
    await addSuppression({
      channel,
      address: address.trim(),
      scope: scope?.trim() || 'all',
      ...(note.trim() !== '' && { note: note.trim() }),
    });
    await queries.invalidateQueries({ queryKey: ['suppressions'] });
    setDraft(EMPTY);
    return t('The address gets no messages from now on.');
  };
  return (
    <ConfirmButton
      needs="suppressions:write"
      label={t('Suppress an address')}
      leftSection={<IconBan size={14} />}
      isFilled={draft.address.trim() !== ''}
      act={add}
      testId="add-suppression"
    >
      <NativeSelect
        label={t('Channel')}
        data={[
          { value: 'email', label: t('Email') },
          { value: 'sms', label: t('SMS') },
        ]}
        value={draft.channel}
        onChange={(event) => change({ channel: event.currentTarget.value as NewSuppression['channel'] })}
      />
      <TextInput
        label={t('Address')}
        value={draft.address}
        onChange={(event) => change({ address: event.currentTarget.value })}
        autoComplete="off"
        data-testid="suppress-address"
      />
      <TextInput
        label={t('Which messages it stops')}
        description={t('all, category:CATEGORY, type:TYPE, or of SMS sender:SENDER')}
        value={draft.scope ?? ''}
        onChange={(event) => change({ scope: event.currentTarget.value })}
        autoComplete="off"
        data-testid="suppress-scope"
      />
      <TextInput
        label={t('Why')}
        value={draft.note ?? ''}
        onChange={(event) => change({ note: event.currentTarget.value })}
        autoComplete="off"
      />
    </ConfirmButton>
  );
}
