import { type CheckSource, countAffectedWaits, examineFiles } from '../catalog/apply.ts';
import type { CatalogFiles } from '../catalog/catalog-files.ts';
import { type Difference, diffCatalogs } from '../catalog/diff.ts';
import type { Finding } from '../catalog/lint/findings.ts';
import type { CountedInRule } from '../store/waits/waiting-rules.ts';

/** Problems of a draft, and differences from the active version. */
export interface DraftCheck {
  /** Whether it can be applied. */
  readonly ok: boolean;
  readonly errors: number;
  readonly warnings: number;
  /** In order of file and place. */
  readonly problems: readonly Finding[];
  /** From the active version; none if the draft has an error. */
  readonly differences: readonly Difference[];
  /** Pending waits in rules that it changes or removes. */
  readonly waiting: readonly CountedInRule[];
}

/** Checks the files of a draft as `tidings check` does, and compares them with the active version. Stores nothing. */
export async function checkDraft(source: CheckSource, files: CatalogFiles): Promise<DraftCheck> {
  const { data, problems } = await examineFiles(source, files);
  const errors = problems.filter(({ severity }) => severity === 'error').length;
  const counts = { ok: data !== undefined, errors, warnings: problems.length - errors, problems };
  if (!data) return { ...counts, differences: [], waiting: [] };
  const active = await source.catalogs.refresh(source.tenantId);
  const differences = diffCatalogs(active.data, data);
  return { ...counts, differences, waiting: await countAffectedWaits(source, differences) };
}
