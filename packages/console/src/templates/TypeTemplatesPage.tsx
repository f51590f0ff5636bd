import { Anchor, Group, NativeSelect, Skeleton, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { getCatalog } from '../api/catalog.ts';
import type { CatalogNotification } from '../api/types.ts';
import {
  linkToTemplates,
  linkToTypeTemplates,
  setParameter,
  TEMPLATE_TABS,
  type TemplateTab,
  useParameter,
} from '../route.ts';
import { CheckTab, toCheckText } from '../rules/CheckTab.tsx';
import { DraftBar } from '../rules/DraftBar.tsx';
import { changeFile, type Draft, useDraft, useFiles } from '../rules/draft.ts';
import { NoFiles } from '../rules/RulesPage.tsx';
import { NO_PROBLEMS, useDraftCheck } from '../rules/use-draft-check.ts';
import { LazyPlace, lazyPart } from '../shell/lazy-part.tsx';
import { PageTitle } from '../shell/PageTitle.tsx';
import { Permitted } from '../shell/Permitted.tsx';
import { ProblemView } from '../shell/ProblemView.tsx';
import { useScopes } from '../shell/use-scopes.ts';
import { t } from '../text/text.ts';
import { AddFileButton } from './AddFileButton.tsx';
import { ChangesTab } from './ChangesTab.tsx';
import { PreviewTab } from './PreviewTab.tsx';
import { folderOf, listPlaces, listTemplateFiles } from './places.ts';
import { type ChosenCell, usePreviewChoice } from './preview-choice.ts';
import { useTemplateSource } from './TemplateSource.tsx';
import { useOutdated, useRender, useRenderable } from './use-render.ts';
import { toFieldSource, VariablesTab } from './VariablesTab.tsx';

const SourceEditor = lazyPart(() => import('../rules/SourceEditor.tsx'), 'SourceEditor');

const TAB_NAMES: Record<TemplateTab, string> = {
  preview: t('Preview'),
  variables: t('Variables'),
  check: t('Check'),
  changes: t('Changes'),
};

/** Templates of a notification type: their files in an editor, and the messages that become of them. */
export function TypeTemplatesPage({ name, tab }: { name: string; tab: TemplateTab }) {
  const catalog = useQuery({ queryKey: ['catalog'], queryFn: getCatalog });
  const files = useFiles();
  const draft = useDraft();
  const source = useTemplateSource();
  const error = catalog.error ?? files.error;
  const type = catalog.data?.notifications.find((one) => one.name === name);
  return (
    <Stack gap="md">
      <Anchor size="sm" href={linkToTemplates(null)}>
        {t('All templates')}
      </Anchor>
      <PageTitle data-testid="type-templates-name">{name}</PageTitle>
      {source === 'api' && (
        <Text size="sm" c="dimmed" maw={720}>
          {t('Templates of this tenant are made by requests. Those that are active stand in the place of these files.')}
        </Text>
      )}
      {draft && <DraftBar draft={draft} />}
      {error && <ProblemView problem={error} retry={() => void files.refetch()} />}
      {catalog.data && !type && (
        <Text size="sm" c="dimmed">
          {t('The active version does not have this notification type.')}
        </Text>
      )}
      {draft === null && <NoFiles />}
      {(draft === undefined || catalog.isPending) && !error && <Skeleton height={320} />}
      {draft !== undefined && catalog.data && <Workbench name={name} type={type} tab={tab} draft={draft} />}
    </Stack>
  );
}

interface WorkbenchProps {
  readonly name: string;
  /** Undefined: the active version does not have it. */
  readonly type: CatalogNotification | undefined;
  readonly tab: TemplateTab;
  /** Null: the files are not kept. */
  readonly draft: Draft | null;
}

/** The editor, and the tabs beside it. What compares two pictures needs the whole width. */
function Workbench({ name, type, tab, draft }: WorkbenchProps) {
  const can = useScopes();
  const isAuthor = can('catalog:write') && draft !== null;
  const [file, setFile] = useParameter('file');
  const paths = useMemo(() => listTemplateFiles(name, draft?.files ?? {}), [name, draft?.files]);
  const places = useMemo(() => listPlaces(name, type, draft?.files ?? {}), [name, type, draft?.files]);
  const path = file !== null && paths.includes(file) ? file : (paths.find((one) => isMain(one)) ?? paths[0] ?? null);
  const query = file === null ? '' : `?file=${encodeURIComponent(file)}`;
  const [shown, setShown] = useState({ line: 1 });
  const [inserted, setInserted] = useState<{ readonly text: string }>();
  const check = useDraftCheck(isAuthor ? draft : null);
  const problems = check.data?.problems ?? NO_PROBLEMS;
  const own = useMemo(() => problems.filter((one) => one.file === path), [problems, path]);
  const choice = usePreviewChoice(places);
  const cells = tab === 'preview' ? choice.cells : NO_CELLS;
  const renderable = useRenderable(isAuthor ? draft : null, check);
  const render = useRender(
    renderable.files,
    { notification_type: name, cells: cells.map(({ asked }) => asked), ...(tab === 'preview' && choice.sample) },
    can('messages:read') && tab !== 'changes',
  );
  const { rendered } = render;
  const outdated = useOutdated(draft, name, can('messages:read') && type !== undefined);
  const complete = useMemo(() => toFieldSource(rendered?.fields ?? []), [rendered?.fields]);
  const open = (to: string, line: number) => {
    if (paths.includes(to) && to !== path) setParameter('file', to);
    setShown({ line });
  };
  const isWide = tab === 'changes';
  return (
    <div className="workbench" data-layout={isWide ? 'one' : 'even'}>
      {draft && !isWide && (
        <section aria-label={t('Source')} className="workbench-editor">
          <Group justify="space-between" align="end" gap="sm" mb="xs">
            <Group gap="xs" align="end">
              <NativeSelect
                label={t('File')}
                value={path ?? ''}
                onChange={(event) => {
                  setFile(event.currentTarget.value);
                  setShown({ line: 1 });
                }}
                data={[
                  { group: t('Of this type'), items: paths.filter((one) => one.startsWith(folderOf(name))) },
                  { group: t('Shared'), items: paths.filter((one) => !one.startsWith(folderOf(name))) },
                ].filter(({ items }) => items.length > 0)}
                data-testid="draft-file"
              />
              {isAuthor && <AddFileButton draft={draft} name={name} onAdd={(added) => setFile(added)} />}
            </Group>
            <Text size="xs" c="dimmed" data-testid="editor-state">
              {isAuthor ? toCheckText(check.data, check.isFetching) : t('Read only')}
            </Text>
          </Group>
          {path === null ? (
            <Text size="sm" c="dimmed">
              {t('The files of the catalog have no template of this type.')}
            </Text>
          ) : (
            <LazyPlace fallback={<Skeleton height={320} />}>
              <SourceEditor
                key={path}
                label={t('Source of {path}', { path })}
                text={draft.files[path] ?? ''}
                problems={own}
                language={/\.(?:ya?ml|json)$/.test(path) ? 'yaml' : 'template'}
                complete={complete}
                isReadOnly={!isAuthor}
                shown={shown}
                inserted={inserted}
                onChange={(next) => changeFile(draft, path, next)}
              />
            </LazyPlace>
          )}
        </section>
      )}
      <section aria-label={t('About the templates')} className="workbench-rail">
        <nav className="tabs" aria-label={t('Templates')}>
          {TEMPLATE_TABS.map((one) => (
            <a
              key={one}
              href={`${linkToTypeTemplates(name, one)}${query}`}
              aria-current={one === tab ? 'page' : undefined}
            >
              {TAB_NAMES[one]}
            </a>
          ))}
        </nav>
        <div className="workbench-tab" data-testid={`templates-${tab}`}>
          {tab === 'check' ? (
            isAuthor ? (
              <CheckTab check={check.data} error={check.error} onOpen={open} />
            ) : (
              <Text size="sm">{t('A draft is checked for those who may change the catalog.')}</Text>
            )
          ) : (
            <Permitted scope="messages:read">
              {tab === 'preview' && (
                <PreviewTab
                  draft={draft}
                  name={name}
                  choice={choice}
                  render={render}
                  isBad={renderable.isBad}
                  outdated={outdated}
                />
              )}
              {tab === 'variables' && (
                <VariablesTab
                  fields={rendered?.fields}
                  onInsert={isAuthor && path !== null ? (text) => setInserted({ text }) : undefined}
                />
              )}
              {tab === 'changes' && <ChangesTab draft={draft} name={name} places={places} />}
            </Permitted>
          )}
        </div>
      </section>
    </div>
  );
}

const NO_CELLS: readonly ChosenCell[] = [];

/** Whether a file has the message itself, and not a line beside it. */
const isMain = (path: string): boolean => /\.(?:html|mjml)$/.test(path);
