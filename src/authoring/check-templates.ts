import { isDeepStrictEqual } from 'node:util';
import { declareTemplateVariables, isMereName } from '../catalog/compile/declare-variables.ts';
import { type Finding, toInvalidFindings } from '../catalog/lint/findings.ts';
import { checkTemplates } from '../catalog/lint/templates.ts';
import type { ParsedNotification } from '../catalog/parse/notifications.ts';
import { parseTemplates } from '../catalog/parse/templates.ts';
import { Problems } from '../catalog/problems.ts';
import { type StoredSource, toPath, toStoredTemplate } from '../catalog/stored/stored-files.ts';
import { CatalogError, type ProblemPart, TidingsError } from '../errors.ts';
import { findNearest } from '../lib/text/did-you-mean.ts';
import type { CatalogData, NotificationType, Template, Variables } from '../model/catalog.ts';
import type { Channel } from '../model/delivery.ts';
import { HOSTED_PART } from '../templates/template.ts';

/** Templates that were checked. */
export interface CheckedTemplates {
  readonly templates: readonly Template[];
  readonly warnings: readonly ProblemPart[];
}

/**
 * Checks templates of the API as `tidings check` does those of files: their notification and channel, their parts with the
 * layouts and partials of the catalog, and their variables.
 *
 * @param data of the active catalog
 * @param toPointer returns the part of the request that a part of a template was in
 * @throws TidingsError `invalid_template` with every problem
 */
export async function checkStoredTemplates(
  data: CatalogData,
  sources: readonly StoredSource[],
  toPointer: (source: StoredSource, member: string) => string = (_source, member) => `/${member}`,
): Promise<CheckedTemplates> {
  const errors: ProblemPart[] = sources.flatMap((source) => {
    return [...findPlaceProblems(data, source), ...findVariableProblems(data, sources, source)].map(
      ({ member, ...problem }) => ({ pointer: toPointer(source, member), severity: 'error' as const, ...problem }),
    );
  });
  if (errors.length > 0) throw toError(errors);
  const stored = sources.map(toStoredTemplate);
  const pointers = new Map(
    sources.flatMap((source) =>
      Object.keys(source.parts).map((part) => {
        const path = toPath(source, part as Parameters<typeof toPath>[1]);
        return [path, toPointer(source, `parts/${part}`)] as const;
      }),
    ),
  );
  const toPart = (finding: Finding): ProblemPart => ({ pointer: pointers.get(finding.file) ?? '/parts', ...finding });
  try {
    const problems = new Problems();
    const ids = new Set(sources.map(({ id }) => id));
    const others = data.templates.filter(({ stored: version }) => !version || !ids.has(version.id));
    const { notifications } = declareTemplateVariables({ ...data, templates: others });
    const types = notifications.filter(({ name }) => sources.some((one) => one.notificationType === name));
    const report = (_at: number, message: string, hint?: string) =>
      problems.add({ file: 'notifications.yaml', line: 1, column: 1, message, ...(hint !== undefined && { hint }) });
    const templates = await parseTemplates(
      new Map(Object.entries(data.pieces ?? {})),
      {
        types: types.map((type) => toParsed(data, type)),
        variables: data.variables,
        file: { name: 'notifications.yaml', root: null, report },
      },
      problems,
      stored,
    );
    problems.throwIfAny();
    const own = templates.filter((template) => template.stored !== undefined);
    const findings: Finding[] = [];
    const withOwn = declareTemplateVariables({ ...data, templates: [...data.templates, ...own] });
    checkTemplates(withOwn, new Map(stored.flatMap(({ files }) => [...files])), (code, place, message, hint) => {
      findings.push({ ...place, message, ...(hint !== undefined && { hint }), severity: 'warning', code });
    });
    return { templates: own, warnings: findings.map(toPart) };
  } catch (error) {
    if (!(error instanceof CatalogError)) throw error;
    throw toError(toInvalidFindings(error.problems).map(toPart));
  }
}

function toError(errors: readonly ProblemPart[]): TidingsError {
  return new TidingsError('invalid_template', `Nothing was changed: ${errors[0]?.message}.`, { errors });
}

interface MemberProblem {
  readonly member: string;
  readonly message: string;
  readonly hint?: string;
}

function findPlaceProblems({ notifications }: CatalogData, source: StoredSource): readonly MemberProblem[] {
  const { notificationType, channel, parts } = source;
  const type = notifications.find(({ name }) => name === notificationType);
  if (!type) {
    const names = notifications.map(({ name }) => name);
    const near = findNearest(notificationType, names);
    const hint = near === undefined ? 'notifications.yaml of the catalog defines them' : `did you mean ${near}?`;
    return [{ member: 'type', message: `no notification is called ${JSON.stringify(notificationType)}`, hint }];
  }
  if (!type.channels.includes(channel)) {
    const hint = `its channels: ${type.channels.join(', ')}`;
    return [{ member: 'channel', message: `${notificationType} is not sent by ${channel}`, hint }];
  }
  return Object.keys(parts).length === 0 ? [{ member: 'parts', message: 'the template has no parts' }] : [];
}

/** A variable has one declaration, in the type or in the templates of it. Others may name it. */
function findVariableProblems(
  { notifications, templates }: CatalogData,
  sources: readonly StoredSource[],
  source: StoredSource,
): readonly MemberProblem[] {
  const { notificationType, id, variables } = source;
  const others: Variables[] = [
    ...notifications.filter(({ name }) => name === notificationType).map((type) => type.variables ?? {}),
    ...templates
      .filter((one) => one.notificationType === notificationType && one.stored && one.stored.id !== id)
      .filter((one) => !sources.some((posted) => posted.id === one.stored?.id))
      .map((one) => one.variables ?? {}),
    ...sources.filter((one) => one.notificationType === notificationType).map((one) => one.variables ?? {}),
  ];
  return Object.entries(variables ?? {}).flatMap(([name, declared]) => {
    const isCompatible = others.every((one) => {
      const other = Object.hasOwn(one, name) ? one[name] : undefined;
      return !other || isMereName(other) || isMereName(declared) || isDeepStrictEqual(other, declared);
    });
    if (isCompatible) return [];
    const message = `${notificationType} declares the variable ${JSON.stringify(name)} otherwise`;
    return [{ member: `variables/${name}`, message, hint: 'declare it alike in all its templates' }];
  });
}

function toParsed({ templates }: CatalogData, type: NotificationType): ParsedNotification {
  const hostedBy = new Map<Channel, ReadonlyMap<string, string>>();
  for (const { notificationType, channel, locale, parts } of templates) {
    const name = parts[HOSTED_PART];
    if (notificationType !== type.name || name === undefined) continue;
    hostedBy.set(channel, new Map([...(hostedBy.get(channel) ?? []), [locale, name]]));
  }
  const layouts = Object.entries(type.layouts ?? {}) as [Channel, string][];
  return {
    type,
    at: 0,
    channelAt: new Map(type.channels.map((channel) => [channel, 0])),
    channelsKnown: true,
    hostedBy,
    layouts: new Map(layouts.map(([channel, name]) => [channel, { name, at: 0 }])),
  };
}
