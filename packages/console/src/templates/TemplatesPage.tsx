import { Anchor, Group, Stack, Text, Title } from '@mantine/core';
import type { TemplateSummary } from '@tidings/client/types';
import { getTemplates } from '../api/templates.ts';
import type { CatalogNotification } from '../api/types.ts';
import { FactRows, FactTable } from '../channels/FactTable.tsx';
import { linkToPreview, linkToTemplate, linkToTemplates } from '../route.ts';
import { CatalogTypes } from '../send/CatalogTypes.tsx';
import { CHANNELS, getLook } from '../shell/outcome.ts';
import { PageTitle } from '../shell/PageTitle.tsx';
import { StatusBadge } from '../shell/StatusBadge.tsx';
import { Time } from '../shell/Time.tsx';
import { TemplateSourceNote } from './TemplateSource.tsx';
import { TEMPLATE_STATES } from './template-look.ts';

/** Page of texts: the types with a preview of each channel, and the templates that were made by requests. */
export function TemplatesPage({ type }: { type: string | null }) {
  return (
    <Stack gap="xl">
      <Stack gap="md">
        <PageTitle>Templates</PageTitle>
        <TemplateSourceNote />
      </Stack>
      <FactTable
        title={type === null ? 'Templates of the API' : `Templates of the API for ${type}`}
        testId="templates"
        of={type ?? ''}
        load={(after) => getTemplates(type, after)}
        getItems={({ templates }) => templates}
        getId={({ template_id: id }) => id}
        empty="None was made by a request."
        columns={{
          Name: ({ template_id: id, name, variant }: TemplateSummary) => (
            <>
              <Anchor className="name" href={linkToTemplate(id)} data-testid="template-link">
                {name}
              </Anchor>
              {variant !== null && (
                <Text size="xs" c="dimmed">
                  variant {variant}
                </Text>
              )}
            </>
          ),
          Type: (one) => <span className="name">{one.type}</span>,
          Channel: ({ channel, locale }) => `${CHANNELS[channel]?.label ?? channel}, ${locale}`,
          State: ({ state }) => <StatusBadge look={getLook(TEMPLATE_STATES, state)} testId="template-state" />,
          Version: ({ active_version: active, newest_version: newest }) =>
            active === null ? `${newest}, none active` : active === newest ? active : `${active}, newest ${newest}`,
          Changed: ({ updated_at: at }) => <Time value={at} />,
        }}
      />
      <CatalogTypes>{(types) => <Types types={types} />}</CatalogTypes>
    </Stack>
  );
}

function Types({ types }: { types: readonly CatalogNotification[] }) {
  return (
    <Stack gap="xs" component="section" aria-label="Notification types">
      <Title order={2} size="h4">
        Notification types
      </Title>
      <FactRows
        testId="template-types"
        items={types}
        getId={({ name }) => name}
        columns={{
          Type: ({ name, description }) => (
            <>
              <span className="name">{name}</span>
              {description !== undefined && (
                <Text size="xs" c="dimmed" className="break">
                  {description}
                </Text>
              )}
            </>
          ),
          Category: ({ category }) => category,
          Preview: ({ name, channels }) => (
            <Group gap="sm">
              {channels.map((channel) => (
                <Anchor
                  key={channel}
                  size="sm"
                  href={linkToPreview({ type: name, channel })}
                  aria-label={`${CHANNELS[channel]?.label ?? channel}: preview of ${name}`}
                  data-testid="preview-link"
                >
                  {CHANNELS[channel]?.label ?? channel}
                </Anchor>
              ))}
            </Group>
          ),
          'Made by requests': ({ name }) => (
            <Anchor size="sm" href={linkToTemplates(name)} aria-label={`Show templates of the API for ${name}`}>
              Show
            </Anchor>
          ),
        }}
      />
    </Stack>
  );
}
