import { Checkbox, Group, NativeSelect, Stack, Textarea, TextInput } from '@mantine/core';
import type { CatalogNotification, Channel } from '../api/types.ts';
import { Disclosure } from '../shell/Disclosure.tsx';
import { JsonField } from '../shell/JsonField.tsx';
import { CHANNELS } from '../shell/outcome.ts';
import { useScopes } from '../shell/use-scopes.ts';
import { t } from '../text/text.ts';
import type { DraftFaults, MessageDraft } from './message-draft.ts';
import { ScheduleFields } from './ScheduleFields.tsx';
import { VariableFields } from './VariableFields.tsx';

interface MessageFieldsProps {
  readonly types: readonly CatalogNotification[];
  readonly draft: MessageDraft;
  readonly faults: DraftFaults;
  readonly onChange: (draft: MessageDraft) => void;
}

/** Fields of what is sent: the type with its channels and variables, a text in the place of its templates, and when. */
export function MessageFields({ types, draft, faults, onChange }: MessageFieldsProps) {
  const can = useScopes();
  const type = types.find(({ name }) => name === draft.type);
  const declared = type?.variables ?? {};
  const change = (part: Partial<MessageDraft>) => onChange({ ...draft, ...part });
  return (
    <Stack gap="md">
      <NativeSelect
        label={t('Notification type')}
        description={type?.description ?? ''}
        error={faults.type}
        data={[{ value: '', label: t('Choose a type') }, ...types.map(({ name }) => ({ value: name, label: name }))]}
        value={draft.type}
        onChange={(event) => change({ type: event.currentTarget.value, channels: [], variables: {} })}
        data-testid="send-type"
      />
      {type !== undefined && type.channels.length > 1 && (
        <Checkbox.Group
          label={t('Channels')}
          description={t('None: all that the user gets it by')}
          value={[...draft.channels]}
          onChange={(channels) => change({ channels: channels as Channel[] })}
        >
          <Group gap="md" mt={6}>
            {type.channels.map((channel) => (
              <Checkbox key={channel} value={channel} label={CHANNELS[channel]?.label ?? channel} />
            ))}
          </Group>
        </Checkbox.Group>
      )}
      <VariableFields
        declared={declared}
        values={draft.variables}
        faults={faults}
        onChange={(variables) => change({ variables })}
      />
      {type !== undefined && (
        <JsonField
          label={Object.keys(declared).length === 0 ? t('Variables, as JSON') : t('Other variables, as JSON')}
          description={t('What templates read as event')}
          placeholder={'{ "order_id": "4711" }'}
          value={draft.others}
          onChange={(others) => change({ others })}
          data-testid="send-others"
        />
      )}
      <Disclosure label={t('A text in the place of the templates')} testId="send-own-text">
        <Stack gap="sm">
          <TextInput
            label={t('Title')}
            description={t('Subject of an email, title of a push message')}
            value={draft.title}
            onChange={(event) => change({ title: event.currentTarget.value })}
            data-testid="send-title"
          />
          <Textarea
            label={t('Text')}
            value={draft.text}
            onChange={(event) => change({ text: event.currentTarget.value })}
            autosize
            minRows={3}
            data-testid="send-text"
          />
        </Stack>
      </Disclosure>
      <NativeSelect
        label={t('Priority')}
        data={[
          { value: '', label: t('that of the type') },
          ...(can('notifications:urgent') ? ['URGENT'] : []),
          ...['HIGH', 'MEDIUM', 'LOW'],
        ]}
        value={draft.priority}
        onChange={(event) => change({ priority: event.currentTarget.value })}
      />
      <ScheduleFields
        when={draft.when}
        time={draft.time}
        fault={faults.time}
        onChange={change}
        choices={['now', 'zone', 'recipient']}
      />
    </Stack>
  );
}
