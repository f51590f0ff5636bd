import { Group, NativeSelect, Text, TextInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import type { NewConsent } from '@tidings/client/types';
import { useState } from 'react';
import { useRequestKey } from '../api/idempotency-key.ts';
import { recordConsent } from '../api/users.ts';
import { ConfirmButton } from '../shell/ConfirmButton.tsx';
import { IconBan, IconCheck } from '../shell/icons.tsx';
import { JsonField } from '../shell/JsonField.tsx';
import { CHANNELS } from '../shell/outcome.ts';
import { readObject } from '../shell/parse-object.ts';
import { useScopes } from '../shell/use-scopes.ts';
import { useZone } from '../shell/zone.ts';
import { t } from '../text/text.ts';

const PURPOSES = ['MARKETING', 'OPERATIONAL', 'TRANSACTIONAL', 'SECURITY', 'SYSTEM'] as const;
const CONSENT_CHANNELS = ['email', 'sms', 'push', 'in_app'] as const;

/** Buttons that record what a user said elsewhere: that they consent, or no longer do. Renders nothing for who may not. */
export function RecordConsent({ userId }: { userId: string }) {
  const can = useScopes();
  if (!can('preferences:write')) return null;
  return (
    <Group gap="xs">
      <RecordButton userId={userId} state="granted" />
      <RecordButton userId={userId} state="withdrawn" />
    </Group>
  );
}

type Texts = Record<'source' | 'method' | 'wording_version' | 'locale' | 'at' | 'evidence', string>;
const EMPTY: Texts = { source: '', method: '', wording_version: '', locale: '', at: '', evidence: '' };

function RecordButton({ userId, state }: { userId: string; state: NewConsent['state'] }) {
  const queries = useQueryClient();
  const zone = useZone();
  const [purpose, setPurpose] = useState<NewConsent['purpose']>('MARKETING');
  const [channel, setChannel] = useState<NewConsent['channel']>('email');
  const [texts, setTexts] = useState(EMPTY);
  const { keyOf, forget } = useRequestKey();
  const evidence = readObject(texts.evidence);
  const text = (name: keyof Texts) => ({
    value: texts[name],
    onChange: ({ currentTarget: { value } }: { currentTarget: { value: string } }) =>
      setTexts((before) => ({ ...before, [name]: value })),
    autoComplete: 'off',
    'data-testid': `consent-${name}`,
  });
  const record = async () => {
    const optional = Object.entries(texts).filter(
      ([name, value]) => ['method', 'wording_version', 'locale'].includes(name) && value.trim() !== '',
    );
    const consent: NewConsent = {
      purpose,
      channel,
      state,
      source: texts.source.trim(),
      ...Object.fromEntries(optional),
      ...(texts.at !== '' && { at: new Date(zone === 'UTC' ? `${texts.at}Z` : texts.at).toISOString() }),
      ...(evidence && { evidence }),
    };
    const { state: recorded } = await recordConsent(userId, consent, keyOf(consent));
    forget();
    setTexts(EMPTY);
    await Promise.all(
      [['consents'], ['preferences', userId]].map((queryKey) => queries.invalidateQueries({ queryKey })),
    );
    if (recorded === 'pending')
      return t('Recorded. It counts once the user has confirmed it; a message asks for that.');
    return recorded === 'granted' ? t('The consent is recorded.') : t('The withdrawal is recorded.');
  };
  const isGrant = state === 'granted';
  return (
    <ConfirmButton
      needs="preferences:write"
      label={isGrant ? t('Record a consent') : t('Record a withdrawal')}
      leftSection={isGrant ? <IconCheck size={14} /> : <IconBan size={14} />}
      isFilled={texts.source.trim() !== '' && evidence !== null}
      act={record}
      testId={isGrant ? 'record-consent' : 'record-withdrawal'}
    >
      <Text size="sm">
        {isGrant
          ? t(
              'Record only what the user said. It is kept for good, with its evidence, and a withdrawal of a later time wins.',
            )
          : t('From now on no message goes that needs this consent. The record is kept for good.')}
      </Text>
      <NativeSelect
        label={t('For messages of the category')}
        data={[...PURPOSES]}
        value={purpose}
        onChange={(event) => setPurpose(event.currentTarget.value as NewConsent['purpose'])}
      />
      <NativeSelect
        label={t('By')}
        data={CONSENT_CHANNELS.map((value) => ({ value, label: CHANNELS[value].label }))}
        value={channel}
        onChange={(event) => setChannel(event.currentTarget.value as NewConsent['channel'])}
        data-testid="consent-channel"
      />
      <TextInput label={t('Where it was said')} placeholder={t('phone call')} withAsterisk {...text('source')} />
      <TextInput label={t('How')} placeholder={t('spoken')} {...text('method')} />
      <TextInput
        type="datetime-local"
        label={t('When, in {zone}', { zone })}
        description={t('Empty: now')}
        {...text('at')}
      />
      <TextInput label={t('Version of the text that the user saw')} {...text('wording_version')} />
      <TextInput label={t('Language of that text')} placeholder="en" {...text('locale')} />
      <JsonField
        label={t('Evidence, as a JSON object')}
        description={t('Network address, page, number of the call; stored sealed')}
        placeholder={'{ "call_id": "c-17" }'}
        value={texts.evidence}
        onChange={(value) => setTexts((before) => ({ ...before, evidence: value }))}
        data-testid="consent-evidence-field"
      />
    </ConfirmButton>
  );
}
