import { Button, Checkbox, Group, NativeSelect, Paper, Stack, TextInput } from '@mantine/core';
import type { PreviewRequest } from '@tidings/client/types';
import { useEffect, useState } from 'react';
import type { CatalogNotification } from '../api/types.ts';
import { linkToPreview, openLink, type PreviewChoice } from '../route.ts';
import { CatalogTypes } from '../send/CatalogTypes.tsx';
import { JsonField } from '../shell/JsonField.tsx';
import { CHANNELS } from '../shell/outcome.ts';
import { PageTitle } from '../shell/PageTitle.tsx';
import { Permitted } from '../shell/Permitted.tsx';
import { readObject } from '../shell/parse-object.ts';
import { t } from '../text/text.ts';
import { PreviewView } from './PreviewView.tsx';
import { TestSendButton } from './TestSendButton.tsx';

/** Page that shows a message before it is sent: of a type and channel, in a locale, for a sample or a real user. */
export function PreviewPage({ choice }: { choice: PreviewChoice }) {
  return (
    <Stack gap="md">
      <PageTitle>{t('Preview')}</PageTitle>
      <Permitted scope="messages:read">
        <CatalogTypes>{(types) => <PreviewForm types={types} choice={choice} />}</CatalogTypes>
      </Permitted>
    </Stack>
  );
}

/** Choices that are not part of the address of the page: they may be personal. */
interface Extra {
  readonly lastEvent: boolean;
  readonly followLinks: boolean;
  readonly variables: string;
}

const NO_EXTRA: Extra = { lastEvent: false, followLinks: false, variables: '' };

function PreviewForm({ types, choice }: { types: readonly CatalogNotification[]; choice: PreviewChoice }) {
  const { type: chosenType, channel: chosenChannel, locale, userId, template } = choice;
  const type = types.find(({ name }) => name === chosenType) ?? types[0];
  const channel = type?.channels.find((each) => each === chosenChannel) ?? type?.channels[0];
  const [texts, setTexts] = useState({ locale: locale ?? '', userId: userId ?? '', template: template ?? '' });
  const [extra, setExtra] = useState(NO_EXTRA);
  const [shown, setShown] = useState(NO_EXTRA);
  // Links and Back change the choice.
  useEffect(() => {
    setTexts({ locale: locale ?? '', userId: userId ?? '', template: template ?? '' });
  }, [locale, userId, template]);
  if (type === undefined || channel === undefined) return null;
  const given = {
    locale: texts.locale.trim() || null,
    userId: texts.userId.trim() || null,
    template: texts.template.trim() || null,
  };
  const variables = readObject(shown.variables);
  const request: PreviewRequest = {
    notification_type: type.name,
    channel,
    ...(locale !== null && { locale }),
    ...(userId !== null && { user_id: userId }),
    ...(template !== null && { template }),
    ...(shown.lastEvent && userId !== null && { last_event: true }),
    ...(shown.followLinks && { follow_links: true }),
    ...(variables && { variables }),
  };
  return (
    <>
      <Paper withBorder p="md">
        <form
          onSubmit={(event) => {
            event.preventDefault();
            if (readObject(extra.variables) === null) return;
            setShown(extra);
            openLink(linkToPreview({ type: type.name, channel, ...given }));
          }}
        >
          <Stack gap="sm">
            <Group gap="sm" align="flex-start">
              <NativeSelect
                label={t('Type')}
                data={types.map(({ name }) => name)}
                value={type.name}
                onChange={(event) =>
                  openLink(linkToPreview({ type: event.currentTarget.value, ...given, template: null }))
                }
                data-testid="preview-type"
              />
              <NativeSelect
                label={t('Channel')}
                data={type.channels.map((value) => ({ value, label: CHANNELS[value]?.label ?? value }))}
                value={channel}
                onChange={(event) =>
                  openLink(
                    linkToPreview({ type: type.name, channel: event.currentTarget.value, ...given, template: null }),
                  )
                }
                data-testid="preview-channel"
              />
              <TextInput
                label={t('Locale')}
                placeholder={t('of the user')}
                value={texts.locale}
                onChange={(event) => setTexts({ ...texts, locale: event.currentTarget.value })}
                autoComplete="off"
                w={130}
                data-testid="preview-locale"
              />
              <TextInput
                label={t('User ID')}
                placeholder={t('a sample')}
                value={texts.userId}
                onChange={(event) => setTexts({ ...texts, userId: event.currentTarget.value })}
                autoComplete="off"
                data-testid="preview-user"
              />
              <TextInput
                label={t('Template')}
                placeholder={t('the active one')}
                value={texts.template}
                onChange={(event) => setTexts({ ...texts, template: event.currentTarget.value })}
                autoComplete="off"
              />
            </Group>
            <JsonField
              label={t('Variables, as JSON')}
              value={extra.variables}
              onChange={(value) => setExtra({ ...extra, variables: value })}
              maw={640}
              data-testid="preview-variables"
            />
            <Group gap="md">
              {texts.userId.trim() !== '' && (
                <Checkbox
                  label={t('The last event of the user')}
                  checked={extra.lastEvent}
                  onChange={(event) => setExtra({ ...extra, lastEvent: event.currentTarget.checked })}
                  data-testid="preview-last"
                />
              )}
              <Checkbox
                label={t('Ask its links whether they answer')}
                checked={extra.followLinks}
                onChange={(event) => setExtra({ ...extra, followLinks: event.currentTarget.checked })}
              />
            </Group>
            <Button type="submit" size="xs" variant="default" style={{ alignSelf: 'start' }} data-testid="preview-show">
              {t('Show')}
            </Button>
          </Stack>
        </form>
      </Paper>
      <TestSendButton request={request} />
      <PreviewView request={request} />
    </>
  );
}
