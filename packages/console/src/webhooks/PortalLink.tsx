import { Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import { createPortalLink } from '../api/webhooks.ts';
import { IssueButton } from '../shell/IssueButton.tsx';
import { IconLink } from '../shell/icons.tsx';
import { T } from '../text/T.tsx';
import { t } from '../text/text.ts';

/** Button that makes a link to this page for those who may do nothing else. */
export function PortalLink() {
  const [name, setName] = useState('');
  return (
    <IssueButton
      needs="webhooks:write"
      what="link"
      changes="webhooks"
      label={t('Link for a customer')}
      leftSection={<IconLink size={14} />}
      testId="portal-link"
      isFilled
      issue={async () => (await createPortalLink(name.trim())).url}
    >
      <Text size="sm">
        <T
          text="The link opens these endpoints, with their messages, secrets and tests, and nothing else. It works once, within 10 minutes; your service makes one for each visit by {request}."
          values={{ request: <span className="name">POST /api/v1/webhooks/portal-links</span> }}
        />
      </Text>
      <TextInput
        label={t('For')}
        description={t('A name for the audit log')}
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
        maxLength={100}
        autoComplete="off"
        data-testid="portal-link-name"
      />
    </IssueButton>
  );
}
