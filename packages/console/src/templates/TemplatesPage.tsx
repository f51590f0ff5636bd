import { Anchor, Group, Stack, Text, Title } from '@mantine/core';
import type { TemplateSummary } from '@tidings/client/types';
import { getTemplates } from '../api/templates.ts';
import type { CatalogNotification } from '../api/types.ts';
import { FactRows, FactTable } from '../channels/FactTable.tsx';
import { linkToPreview, linkToTemplate, linkToTemplates, linkToTypeTemplates } from '../route.ts';
import { CatalogTypes } from '../send/CatalogTypes.tsx';
import { CHANNELS, getLook } from '../shell/outcome.ts';
import { PageTitle } from '../shell/PageTitle.tsx';
import { StatusBadge } from '../shell/StatusBadge.tsx';
import { Time } from '../shell/Time.tsx';
import { t } from '../text/text.ts';
import { TemplateSourceNote } from './TemplateSource.tsx';
import { TEMPLATE_STATES } from './template-look.ts';

const TOPICS: readonly string[] = ['catalog', 'settings'];

/** Page of texts: the types with a preview of each channel, and the templates that were made by requests. */
export function TemplatesPage({ type }: { type: string | null }) {
  return (
    <Stack gap="xl">
      <Stack gap="md">
        <PageTitle>{t('Templates')}</PageTitle>
        <TemplateSourceNote />
      </Stack>
      <FactTable
        topics={TOPICS}
        title={type === null ? t('Templates of the API') : t('Templates of the API for {type}', { type })}
        testId="templates"
        of={type ?? ''}
        load={(after) => getTemplates(type, after)}
        getItems={({ templates }) => templates}
        getId={({ template_id: id }) => id}
        empty={t('None was made by a request.')}
        columns={{
          [t('Name')]: ({ template_id: id, name, variant }: TemplateSummary) => (
            <>
              <Anchor className="name" href={linkToTemplate(id)} data-testid="template-link">
                {name}
              </Anchor>
              {variant !== null && (
                <Text size="xs" c="dimmed">
                  {t('variant {variant}', { variant })}
                </Text>
              )}
            </>
          ),
          [t('Type')]: (one) => <span className="name">{one.type}</span>,
          [t('Channel')]: ({ channel, locale }) => `${CHANNELS[channel]?.label ?? channel}, ${locale}`,
          [t('State')]: ({ state }) => <StatusBadge look={getLook(TEMPLATE_STATES, state)} testId="template-state" />,
          [t('Version')]: ({ active_version: active, newest_version: newest }) =>
            active === null
              ? t('{newest}, none active', { newest })
              : active === newest
                ? active
                : t('{active}, newest {newest}', { active, newest }),
          [t('Changed')]: ({ updated_at: at }) => <Time value={at} />,
        }}
      />
      <CatalogTypes>{(types) => <Types types={types} />}</CatalogTypes>
    </Stack>
  );
}

function Types({ types }: { types: readonly CatalogNotification[] }) {
  return (
    <Stack gap="xs" component="section" aria-label={t('Notification types')}>
      <Title order={2} size="h4">
        {t('Notification types')}
      </Title>
      <FactRows
        testId="template-types"
        items={types}
        getId={({ name }) => name}
        columns={{
          [t('Type')]: ({ name, description }) => (
            <>
              <a className="name" href={linkToTypeTemplates(name)} data-testid="type-templates">
                {name}
              </a>
              {description !== undefined && (
                <Text size="xs" c="dimmed" className="break">
                  {description}
                </Text>
              )}
            </>
          ),
          [t('Category')]: ({ category }) => category,
          [t('Preview')]: ({ name, channels }) => (
            <Group gap="sm">
              {channels.map((channel) => (
                <Anchor
                  key={channel}
                  size="sm"
                  href={linkToPreview({ type: name, channel })}
                  aria-label={t('{channel}: preview of {type}', {
                    channel: CHANNELS[channel]?.label ?? channel,
                    type: name,
                  })}
                  data-testid="preview-link"
                >
                  {CHANNELS[channel]?.label ?? channel}
                </Anchor>
              ))}
            </Group>
          ),
          [t('Made by requests')]: ({ name }) => (
            <Anchor
              size="sm"
              href={linkToTemplates(name)}
              aria-label={t('Show templates of the API for {type}', { type: name })}
            >
              {t('Show')}
            </Anchor>
          ),
        }}
      />
    </Stack>
  );
}
