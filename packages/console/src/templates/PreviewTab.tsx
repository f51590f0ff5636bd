import { Button, Checkbox, Group, NativeSelect, SegmentedControl, Stack, Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import type { Draft } from '../rules/draft.ts';
import { Disclosure } from '../shell/Disclosure.tsx';
import { JsonField } from '../shell/JsonField.tsx';
import { CHANNELS } from '../shell/outcome.ts';
import { ProblemView } from '../shell/ProblemView.tsx';
import { t } from '../text/text.ts';
import { CellView } from './CellView.tsx';
import { folderOf, isShared, toPlaceName } from './places.ts';
import { DEFAULT, type PreviewChoice } from './preview-choice.ts';
import { findRendered, type Render } from './use-render.ts';

interface PreviewTabProps {
  readonly draft: Draft | null;
  /** Notification type. */
  readonly name: string;
  readonly choice: PreviewChoice;
  readonly render: Render;
  /** Whether the draft as it is has an error, which the checker shows. */
  readonly isBad: boolean;
  /** Names of the templates whose originals changed since. */
  readonly outdated: ReadonlySet<string>;
}

/** Messages of a type as the draft makes them: each channel, in each locale, for a sample and for real users. */
export function PreviewTab({ draft, name, choice, render, isBad, outdated }: PreviewTabProps) {
  const { rendered, error, isFetching } = render;
  const isReleased = !draft?.changed.some((path) => path.startsWith(folderOf(name)) || isShared(path));
  return (
    <Stack gap="md">
      <Choices choice={choice} />
      {error && <ProblemView problem={error} />}
      {isBad && rendered && (
        <Text size="sm" role="status" data-testid="render-stale">
          {t('The draft cannot be rendered as it is. What follows is the last that could be.')}
        </Text>
      )}
      {choice.leftOut > 0 && (
        <Text size="sm">
          {t(
            '{count, plural, one {# more message is} other {# more messages are}} not shown: choose fewer channels, locales or users.',
            {
              count: choice.leftOut,
            },
          )}
        </Text>
      )}
      <div className="cells" aria-busy={isFetching} data-testid="cells">
        {choice.cells.map((cell) => {
          const { channel, locale, variant, user_id: userId } = cell.asked;
          const listed = rendered?.templates.find(
            (one) => one.channel === channel && one.locale === locale && (one.variant ?? undefined) === variant,
          );
          return (
            <CellView
              key={`${channel} ${locale} ${variant ?? ''} ${userId ?? ''} ${cell.user.eventId ?? ''}`}
              type={name}
              cell={cell}
              made={findRendered(rendered, cell.asked)}
              share={listed?.share ?? null}
              isOutdated={outdated.has(toPlaceName({ channel, locale: locale ?? '', variant: variant ?? null }))}
              choice={choice}
              isReleased={isReleased}
            />
          );
        })}
      </div>
      {choice.cells.length === 0 && (
        <Text size="sm" c="dimmed">
          {t('Choose a channel and a locale.')}
        </Text>
      )}
    </Stack>
  );
}

function Choices({ choice }: { choice: PreviewChoice }) {
  const { all, channels, locales, variants } = choice;
  return (
    <Stack gap="sm" data-testid="preview-choices">
      <Chosen
        label={t('Channels')}
        all={all.channels}
        chosen={channels}
        onChange={choice.setChannels}
        nameOf={(channel) => CHANNELS[channel as keyof typeof CHANNELS]?.label ?? channel}
      />
      <Chosen
        label={t('Locales')}
        all={all.locales}
        chosen={locales}
        onChange={choice.setLocales}
        nameOf={(one) => one}
      />
      {all.variants.length > 1 && (
        <Chosen
          label={t('Variants')}
          all={all.variants}
          chosen={variants}
          onChange={choice.setVariants}
          nameOf={(one) => (one === DEFAULT ? t('without a variant') : one)}
        />
      )}
      <Users choice={choice} />
      <Group gap="sm">
        <SegmentedControl
          size="xs"
          aria-label={t('Width')}
          value={choice.width}
          onChange={(value) => choice.setWidth(value as PreviewChoice['width'])}
          data={[
            { value: 'desktop', label: t('Desktop') },
            { value: 'phone', label: t('Phone') },
          ]}
          data-testid="preview-width"
        />
        <SegmentedControl
          size="xs"
          aria-label={t('Part of the message')}
          value={choice.look}
          onChange={(value) => choice.setLook(value as PreviewChoice['look'])}
          data={[
            { value: 'html', label: t('HTML') },
            { value: 'dark', label: t('Dark') },
            { value: 'text', label: t('Text') },
          ]}
          data-testid="preview-look"
        />
        <Checkbox
          label={t('Without pictures')}
          checked={choice.isWithoutPictures}
          onChange={(event) => choice.setWithoutPictures(event.currentTarget.checked)}
          data-testid="preview-pictures"
        />
      </Group>
      <Disclosure label={t('Event of the sample')}>
        <JsonField
          label={t('Event (JSON)')}
          description={t('With event_type, properties and user_traits; absent: by the schemas')}
          value={choice.event}
          onChange={choice.setEvent}
          data-testid="sample-event"
        />
      </Disclosure>
    </Stack>
  );
}

interface ChosenProps {
  readonly label: string;
  readonly all: readonly string[];
  readonly chosen: readonly string[];
  readonly onChange: (chosen: readonly string[]) => void;
  readonly nameOf: (one: string) => string;
}

function Chosen({ label, all, chosen, onChange, nameOf }: ChosenProps) {
  return (
    <Checkbox.Group label={label} value={[...chosen]} onChange={onChange}>
      <Group gap="sm" mt={4}>
        {all.map((one) => (
          <Checkbox key={one} value={one} label={nameOf(one)} size="xs" />
        ))}
      </Group>
    </Checkbox.Group>
  );
}

/** The users of the grid, and a form that adds one. */
function Users({ choice: { users, setUsers } }: { choice: PreviewChoice }) {
  const [userId, setUserId] = useState('');
  const [kind, setKind] = useState<'last' | 'chosen'>('last');
  const [eventId, setEventId] = useState('');
  const isFilled = userId.trim() !== '' && (kind === 'last' || eventId.trim() !== '');
  return (
    <Stack gap="xs">
      <Text size="sm" fw={600}>
        {t('Users')}
      </Text>
      <ul className="chosen-users">
        {users.map((user) => (
          <li key={`${user.userId ?? ''} ${user.eventId ?? ''}`}>
            <Text size="sm" component="span" className="break">
              {user.userId === null ? t('a sample') : user.userId}
              {user.userId !== null && `, ${user.eventId ?? t('last event')}`}
            </Text>
            {users.length > 1 && (
              <button
                type="button"
                className="link-button"
                aria-label={t('Remove {user}', { user: user.userId ?? t('a sample') })}
                onClick={() => setUsers(users.filter((one) => one !== user))}
              >
                {t('Remove')}
              </button>
            )}
          </li>
        ))}
      </ul>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (!isFilled) return;
          const added = { userId: userId.trim(), eventId: kind === 'last' ? null : eventId.trim() };
          setUsers([...users.filter((one) => one.userId !== added.userId || one.eventId !== added.eventId), added]);
          setUserId('');
        }}
      >
        <Group gap="xs" align="end">
          <TextInput
            label={t('User ID')}
            value={userId}
            onChange={(event) => setUserId(event.currentTarget.value)}
            autoComplete="off"
            size="xs"
            data-testid="preview-user"
          />
          <NativeSelect
            label={t('Event')}
            value={kind}
            onChange={(event) => setKind(event.currentTarget.value as 'last' | 'chosen')}
            data={[
              { value: 'last', label: t('the last') },
              { value: 'chosen', label: t('by its id') },
            ]}
            size="xs"
          />
          {kind === 'chosen' && (
            <TextInput
              label={t('Event id')}
              value={eventId}
              onChange={(event) => setEventId(event.currentTarget.value)}
              autoComplete="off"
              size="xs"
              data-testid="preview-event"
            />
          )}
          <Button type="submit" size="xs" variant="default" aria-disabled={!isFilled} data-testid="preview-add-user">
            {t('Add')}
          </Button>
        </Group>
      </form>
    </Stack>
  );
}
