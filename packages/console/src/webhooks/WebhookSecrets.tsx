import { Text, Textarea, TextInput } from '@mantine/core';
import type { Webhook } from '@tidings/client/types';
import { useState } from 'react';
import { createWebhook, rotateWebhookSecret } from '../api/webhooks.ts';
import { IssueButton } from '../shell/IssueButton.tsx';
import { IconRefresh, IconWebhook } from '../shell/icons.tsx';
import { OverlapField, USUAL_OVERLAP } from '../shell/OverlapField.tsx';
import { t } from '../text/text.ts';

/** Button that creates an endpoint, and shows its secret once. */
export function CreateWebhook() {
  const [url, setUrl] = useState('');
  const [description, setDescription] = useState('');
  const [events, setEvents] = useState('');
  const types = events.split(/[\s,]+/).filter((type) => type !== '');
  return (
    <IssueButton
      needs="webhooks:write"
      what="secret"
      changes="webhooks"
      label={t('Create an endpoint')}
      leftSection={<IconWebhook size={14} />}
      testId="webhook-create"
      isFilled={/^https?:\/\/./.test(url.trim())}
      issue={async () => {
        const facts = types.length === 0 ? {} : { event_types: types };
        return (await createWebhook({ url: url.trim(), description, ...facts })).secret;
      }}
    >
      <TextInput
        label={t('URL')}
        description={t('On the public internet, with https')}
        type="url"
        value={url}
        onChange={(event) => setUrl(event.currentTarget.value)}
        autoComplete="off"
        data-testid="webhook-url"
      />
      <TextInput
        label={t('Description')}
        value={description}
        onChange={(event) => setDescription(event.currentTarget.value)}
        maxLength={500}
        autoComplete="off"
      />
      <Textarea
        label={t('Facts')}
        description={t(
          'Such as notification.failed or order.*, separated by spaces; * is all of them. Empty: it receives messages of the channel webhook',
        )}
        value={events}
        onChange={(event) => setEvents(event.currentTarget.value)}
        autosize
        minRows={2}
        data-testid="webhook-facts"
      />
    </IssueButton>
  );
}

/** Button that replaces the secret of an endpoint. */
export function RotateSecret({ endpoint: { endpoint_id: id } }: { endpoint: Webhook }) {
  const [overlap, setOverlap] = useState(USUAL_OVERLAP);
  return (
    <IssueButton
      needs="webhooks:write"
      what="secret"
      changes="webhooks"
      label={t('Rotate secret')}
      leftSection={<IconRefresh size={14} />}
      testId="webhook-rotate"
      isFilled
      issue={async () => (await rotateWebhookSecret(id, overlap)).secret}
    >
      <Text size="sm">{t('Requests are signed with a new secret.')}</Text>
      <OverlapField label={t('The secret before signs as well')} value={overlap} onChange={setOverlap} />
    </IssueButton>
  );
}
