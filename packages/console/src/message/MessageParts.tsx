import { Code, Group, Stack, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import type { MessageContent } from '../api/types.ts';
import { t } from '../text/text.ts';

/** The parts of a message beside subject, title, text and HTML. Links and pictures are shown as text: nothing is loaded. */
export function MessageParts({ message }: { message: MessageContent }) {
  const { badge, image, actions, data, blocks, attachments, provider_template } = message;
  return (
    <>
      {badge !== undefined && <Part name={t('Badge')}>{badge}</Part>}
      {image !== undefined && <Part name={t('Image')}>{image}</Part>}
      {actions?.map(({ label, url }) => (
        <Part key={`${label} ${url}`} name={t('Action')}>
          {label}: {url}
        </Part>
      ))}
      {attachments?.map(({ name, url }) => (
        <Part key={`${name} ${url}`} name={t('Attachment')}>
          {name}: {url}
        </Part>
      ))}
      {provider_template !== undefined && <Part name={t('Template of the provider')}>{provider_template.name}</Part>}
      <JsonPart name={t('Data')} value={provider_template?.data ?? data} />
      <JsonPart name={t('Blocks')} value={blocks} />
    </>
  );
}

function Part({ name, children }: { name: string; children: ReactNode }) {
  return (
    <Group gap="sm" wrap="nowrap" align="baseline" data-testid="message-part">
      <Text size="sm" c="dimmed">
        {name}
      </Text>
      <Text size="sm" className="break">
        {children}
      </Text>
    </Group>
  );
}

function JsonPart({ name, value }: { name: string; value: unknown }) {
  if (value === undefined) return null;
  return (
    <Stack gap={4} data-testid="message-part">
      <Text size="sm" c="dimmed">
        {name}
      </Text>
      <Code block>{JSON.stringify(value, null, 2)}</Code>
    </Stack>
  );
}
