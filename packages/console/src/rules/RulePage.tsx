import { Anchor, Group, NativeSelect, Paper, Skeleton, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { getCatalog } from '../api/catalog.ts';
import type { CatalogRule } from '../api/types.ts';
import { linkToRule, linkToRules, RULE_TABS, type RuleTab, setParameter, useParameter } from '../route.ts';
import { LazyPlace, lazyPart } from '../shell/lazy-part.tsx';
import { PageTitle } from '../shell/PageTitle.tsx';
import { ProblemView } from '../shell/ProblemView.tsx';
import { RuleText } from '../shell/RuleText.tsx';
import { useScopes } from '../shell/use-scopes.ts';
import { useShownTab } from '../shell/use-shown-tab.ts';
import { t } from '../text/text.ts';
import { BacktestTab } from './BacktestTab.tsx';
import { CasesTab } from './CasesTab.tsx';
import { CheckTab, toCheckText } from './CheckTab.tsx';
import { listNames, toSource } from './completion.ts';
import { DraftBar } from './DraftBar.tsx';
import { changeFile, type Draft, findLine, useDraft, useFiles } from './draft.ts';
import { FunnelTab } from './FunnelTab.tsx';
import { GraphTab } from './GraphTab.tsx';
import { NoFiles } from './RulesPage.tsx';
import { TryTab } from './TryTab.tsx';
import { NO_PROBLEMS, useDraftCheck } from './use-draft-check.ts';
import { WaitsTab } from './WaitsTab.tsx';

const SourceEditor = lazyPart(() => import('./SourceEditor.tsx'), 'SourceEditor');

const RULES_FILE = 'rules.yaml';

const TAB_NAMES: Record<RuleTab, string> = {
  check: t('Check'),
  cases: t('Cases'),
  try: t('Try'),
  backtest: t('Backtest'),
  waits: t('Waits'),
  funnel: t('Funnel'),
  graph: t('Graph'),
};

/** Tabs that need nothing but reading. */
const READ_TABS: readonly RuleTab[] = ['waits', 'funnel', 'graph'];

/** A rule: as a sentence, its source in an editor, and what can be found out about it. */
export function RulePage({ name, tab }: { name: string; tab: RuleTab | null }) {
  const catalog = useQuery({ queryKey: ['catalog'], queryFn: getCatalog });
  const files = useFiles();
  const draft = useDraft();
  const rule = catalog.data?.rules.find((one) => one.name === name);
  return (
    <Stack gap="md">
      <Anchor size="sm" href={linkToRules()}>
        {t('All rules')}
      </Anchor>
      <PageTitle data-testid="rule-name">{name}</PageTitle>
      {draft && <DraftBar draft={draft} />}
      {(catalog.error ?? files.error) && (
        <ProblemView problem={(catalog.error ?? files.error) as Error} retry={() => void files.refetch()} />
      )}
      {rule && (
        <Paper withBorder p="md" data-testid="rule-sentence">
          <RuleText rule={rule} />
        </Paper>
      )}
      {catalog.data && !rule && (
        <Text size="sm" c="dimmed" data-testid="rule-new">
          {t('The active version has no rule of this name.')}
        </Text>
      )}
      {draft === null && <NoFiles />}
      {draft === undefined && !files.error && <Skeleton height={320} />}
      {draft !== undefined && <Workbench name={name} rule={rule} tab={tab} draft={draft} />}
    </Stack>
  );
}

interface WorkbenchProps {
  readonly name: string;
  readonly rule: CatalogRule | undefined;
  readonly tab: RuleTab | null;
  /** Null: the files are not kept. */
  readonly draft: Draft | null;
}

/** The editor, and the tabs beside it. */
function Workbench({ name, rule, tab, draft }: WorkbenchProps) {
  const can = useScopes();
  const catalog = useQuery({ queryKey: ['catalog'], queryFn: getCatalog });
  const isAuthor = can('catalog:write') && draft !== null;
  const tabs = RULE_TABS.filter((one) => isAuthor || READ_TABS.includes(one));
  const current = tab !== null && tabs.includes(tab) ? tab : (tabs[0] ?? 'waits');
  const nav = useShownTab(current);
  const [file, setFile] = useParameter('file');
  const path = draft && file !== null && draft.files[file] !== undefined ? file : RULES_FILE;
  const text = draft?.files[path] ?? '';
  const query = path === RULES_FILE ? '' : `?file=${encodeURIComponent(path)}`;
  const [shown, setShown] = useState(() => ({ line: findLine(draft?.files[RULES_FILE] ?? '', name) }));
  const check = useDraftCheck(isAuthor ? draft : null);
  const problems = check.data?.problems ?? NO_PROBLEMS;
  const own = useMemo(() => problems.filter((one) => one.file === path), [problems, path]);
  const complete = useMemo(() => toSource(listNames(catalog.data, draft?.files ?? {})), [catalog.data, draft?.files]);
  const open = (to: string, line: number) => {
    if (draft?.files[to] !== undefined && to !== path) setParameter('file', to === RULES_FILE ? null : to);
    setShown({ line });
  };
  return (
    <div className="workbench">
      {draft && (
        <section aria-label={t('Source')} className="workbench-editor">
          <Group justify="space-between" gap="sm" mb="xs">
            <NativeSelect
              label={t('File')}
              value={path}
              onChange={(event) => {
                const next = event.currentTarget.value;
                setFile(next === RULES_FILE ? null : next);
                setShown({ line: findLine(draft.files[next] ?? '', name) });
              }}
              data={Object.keys(draft.files).sort()}
              data-testid="draft-file"
            />
            <Text size="xs" c="dimmed" data-testid="editor-state">
              {isAuthor ? toCheckText(check.data, check.isFetching) : t('Read only')}
            </Text>
          </Group>
          <LazyPlace fallback={<Skeleton height={320} />}>
            <SourceEditor
              key={path}
              label={t('Source of {path}', { path })}
              text={text}
              problems={own}
              language="yaml"
              complete={complete}
              isReadOnly={!isAuthor}
              shown={shown}
              onChange={(next) => changeFile(draft, path, next)}
            />
          </LazyPlace>
        </section>
      )}
      <section aria-label={t('About the rule')} className="workbench-rail">
        <nav ref={nav} className="tabs" aria-label={t('Rule')}>
          {tabs.map((one) => (
            <a key={one} href={`${linkToRule(name, one)}${query}`} aria-current={one === current ? 'page' : undefined}>
              {TAB_NAMES[one]}
            </a>
          ))}
        </nav>
        <div className="workbench-tab" data-testid={`rule-${current}`}>
          {current === 'check' && <CheckTab check={check.data} error={check.error} onOpen={open} />}
          {current === 'cases' && draft && <CasesTab draft={draft} onOpen={open} />}
          {current === 'try' && draft && <TryTab draft={draft} rule={name} />}
          {current === 'backtest' && draft && <BacktestTab draft={draft} />}
          {current === 'waits' && <WaitsTab rule={name} />}
          {current === 'funnel' && <FunnelTab name={name} rule={rule} />}
          {current === 'graph' && <GraphTab name={name} rule={rule} />}
        </div>
      </section>
    </div>
  );
}
