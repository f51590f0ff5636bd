import { Checkbox, NativeSelect, Text, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ApiKey, NewApiKey } from '@tidings/client/types';
import { useState } from 'react';
import { createKey, rotateKey } from '../api/govern.ts';
import { getSession } from '../api/session.ts';
import { IssueButton } from '../shell/IssueButton.tsx';
import { IconKey, IconRefresh } from '../shell/icons.tsx';
import { OverlapField, USUAL_OVERLAP } from '../shell/OverlapField.tsx';
import { t } from '../text/text.ts';

/** Scopes that a key of one tenant cannot have. */
const OF_INSTALLATION = /^(me$|tenants:|metrics:)/;

/** Button that creates a key with some of the rights of who creates it. */
export function CreateKey() {
  const session = useQuery({ queryKey: ['session'], queryFn: getSession });
  const own = (session.data?.scopes ?? []).filter((scope) => !OF_INSTALLATION.test(scope));
  const [name, setName] = useState('');
  const [scopes, setScopes] = useState<string[]>([]);
  const [environment, setEnvironment] = useState<'live' | 'test'>('live');
  return (
    <IssueButton
      needs="keys:write"
      what="key"
      changes="keys"
      label={t('Create a key')}
      leftSection={<IconKey size={14} />}
      testId="key-create"
      isFilled={name.trim() !== '' && scopes.length > 0}
      issue={async () => (await createKey({ name, environment, scopes: scopes as NewApiKey['scopes'] })).key}
    >
      <TextInput
        label={t('Name')}
        description={t('Of the service that uses it')}
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
        maxLength={200}
        autoComplete="off"
        data-testid="key-name"
      />
      <NativeSelect
        label={t('Environment')}
        value={environment}
        onChange={(event) => setEnvironment(event.currentTarget.value as 'live' | 'test')}
        data={[
          { value: 'live', label: t('Live') },
          { value: 'test', label: t('Test: nothing leaves the sandbox') },
        ]}
      />
      <Checkbox.Group label={t('It may')} value={scopes} onChange={setScopes}>
        <div className="scope-list">
          {own.map((scope) => (
            <Checkbox key={scope} value={scope} label={scope} size="sm" />
          ))}
        </div>
      </Checkbox.Group>
    </IssueButton>
  );
}

/** Button that replaces a key by a new one with the same rights. */
export function RotateKey({ apiKey: { key_id: id, name } }: { apiKey: ApiKey }) {
  const [overlap, setOverlap] = useState(USUAL_OVERLAP);
  return (
    <IssueButton
      needs="keys:write"
      what="key"
      changes="keys"
      label={t('Rotate')}
      leftSection={<IconRefresh size={14} />}
      testId="key-rotate"
      isFilled
      issue={async () => (await rotateKey(id, overlap)).key}
    >
      <Text size="sm" className="break">
        {t('A new key replaces {name}, with the same rights.', { name })}
      </Text>
      <OverlapField label={t('The old key works')} value={overlap} onChange={setOverlap} />
    </IssueButton>
  );
}
