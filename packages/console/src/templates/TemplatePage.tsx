import { Anchor, Group, Paper, Skeleton, Stack, Text, Title } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import type { StoredTemplate, TemplateVersion, TemplateVersionPage } from '@tidings/client/types';
import { activateTemplate, getTemplate, getTemplateVersions, rollBackTemplate } from '../api/templates.ts';
import { FactTable } from '../channels/FactTable.tsx';
import { linkToPreview, linkToTemplates } from '../route.ts';
import { ConfirmButton } from '../shell/ConfirmButton.tsx';
import { Disclosure } from '../shell/Disclosure.tsx';
import { Fields } from '../shell/Fields.tsx';
import { CHANNELS, getLook } from '../shell/outcome.ts';
import { PageTitle } from '../shell/PageTitle.tsx';
import { ProblemView } from '../shell/ProblemView.tsx';
import { IconPlay, IconUndo } from '../shell/page-icons.tsx';
import { StatusBadge } from '../shell/StatusBadge.tsx';
import { Time } from '../shell/Time.tsx';
import { useKeptFocus } from '../shell/use-kept-focus.ts';
import { t } from '../text/text.ts';
import { TemplateSourceNote, useTemplateSource } from './TemplateSource.tsx';
import { TEMPLATE_STATES } from './template-look.ts';

const TOPICS: readonly string[] = ['catalog', 'settings'];

/** One template of the API: its versions with their sources, when each was active, and buttons that make one active. */
export function TemplatePage({ id }: { id: string }) {
  const template = useQuery({ queryKey: ['templates', 'one', id], queryFn: () => getTemplate(id) });
  const container = useKeptFocus();
  return (
    <Stack gap="md" ref={container}>
      <Anchor size="sm" href={linkToTemplates(null)}>
        {t('All templates')}
      </Anchor>
      <PageTitle data-testid="template-name">{template.data?.name ?? t('Template')}</PageTitle>
      {template.error && <ProblemView problem={template.error} retry={() => template.refetch()} />}
      {template.isPending && <Skeleton height={160} />}
      {template.data && <Content template={template.data} />}
    </Stack>
  );
}

function Content({ template }: { template: StoredTemplate }) {
  const { template_id: id, type, channel, locale, variant, state } = template;
  return (
    <>
      <TemplateSourceNote />
      <Paper withBorder p="md">
        <Group justify="space-between" gap="sm">
          <Group gap="sm">
            <StatusBadge look={getLook(TEMPLATE_STATES, state)} testId="template-state" />
            <span className="name">{type}</span>
            <Text size="sm">
              {CHANNELS[channel]?.label ?? channel}, {locale}
              {variant !== null && `, ${t('variant {variant}', { variant })}`}
            </Text>
          </Group>
          <Anchor
            size="sm"
            href={linkToPreview({ type, channel, locale, template: id })}
            data-testid="template-preview"
          >
            {t('Preview the newest version')}
          </Anchor>
        </Group>
      </Paper>
      <FactTable<TemplateVersionPage, TemplateVersion>
        topics={TOPICS}
        title={t('Versions')}
        testId="template-versions"
        of={id}
        load={(after) => getTemplateVersions(id, after)}
        getItems={({ versions }) => versions}
        getId={({ version }) => String(version)}
        empty={t('It has no version.')}
        columns={{
          [t('Version')]: ({ version }) => version,
          [t('State')]: (one) => <StatusBadge look={getLook(TEMPLATE_STATES, one.state)} testId="version-state" />,
          [t('Sources')]: ({ parts, version }) => (
            <Disclosure label={Object.keys(parts).join(', ')} testId={`sources-${version}`}>
              <Fields values={parts} />
            </Disclosure>
          ),
          [t('Changed')]: ({ updated_at: at, created_by: by }) => (
            <>
              <Time value={at} as="full" />
              <Text size="xs" c="dimmed" className="break">
                {by}
              </Text>
            </>
          ),
          [t('Action')]: (version) => <VersionActions template={template} version={version} />,
        }}
      />
      <Activations id={id} />
    </>
  );
}

/** Buttons that make a version the active one. Renders nothing where templates are files, and for who may not. */
function VersionActions({ template, version: one }: { template: StoredTemplate; version: TemplateVersion }) {
  const source = useTemplateSource();
  const queries = useQueryClient();
  const { template_id: id, name, active_version: active } = template;
  const { version, state } = one;
  if (source === 'files' || state === 'active') return null;
  const isEarlier = state === 'archived';
  return (
    <ConfirmButton
      needs="templates:write"
      label={isEarlier ? t('Roll back') : t('Activate')}
      leftSection={isEarlier ? <IconUndo size={14} /> : <IconPlay size={14} />}
      act={async () => {
        await (isEarlier ? rollBackTemplate(id, version) : activateTemplate(id, version));
        await Promise.all(
          ['templates', 'template-versions', 'template-activations', 'catalog'].map((key) =>
            queries.invalidateQueries({ queryKey: [key] }),
          ),
        );
        return t('Version {version} of {name} is active.', { version, name });
      }}
      testId={isEarlier ? 'template-rollback' : 'template-activate'}
    >
      {active === null
        ? t('Messages show version {version} from now on, also those that wait.', { version })
        : t('Messages show version {version} instead of version {active} from now on, also those that wait.', {
            version,
            active,
          })}
    </ConfirmButton>
  );
}

function Activations({ id }: { id: string }) {
  const query = useQuery({ queryKey: ['template-activations', id], queryFn: () => getTemplateVersions(id, null) });
  const activations = query.data?.activations ?? [];
  if (activations.length === 0) return null;
  return (
    <Stack gap="xs" component="section" aria-label={t('When each was active')}>
      <Title order={2} size="h4">
        {t('When each was active')}
      </Title>
      <ul className="job-groups" data-testid="template-activations">
        {activations.map(({ kind, version, by, at }) => (
          <li key={`${at} ${kind} ${version}`}>
            <Text size="sm" className="break">
              <Time value={at} as="full" />:{' '}
              {version === null
                ? t(
                    '{kind, select, activated {activated} rolled_back {rolled back to} archived {taken out of use} other {{kind}}} by {name}',
                    { kind, name: by },
                  )
                : t(
                    '{kind, select, activated {version {version} activated} rolled_back {version {version} rolled back to} archived {version {version} taken out of use} other {version {version} {kind}}} by {name}',
                    { kind, version, name: by },
                  )}
            </Text>
          </li>
        ))}
      </ul>
    </Stack>
  );
}
