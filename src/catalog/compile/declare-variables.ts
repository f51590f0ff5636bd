import type { CatalogData, Variables } from '../../model/catalog.ts';

/** Adds the variables that templates declare to those of their types. Returns the same data if none declares any. */
export function declareTemplateVariables(data: CatalogData): CatalogData {
  const byType = new Map<string, Variables>();
  for (const { notificationType, variables } of data.templates) {
    if (variables) byType.set(notificationType, { ...byType.get(notificationType), ...variables });
  }
  if (byType.size === 0) return data;
  const notifications = data.notifications.map((type) => {
    const variables = byType.get(type.name);
    return variables ? { ...type, variables: { ...type.variables, ...variables } } : type;
  });
  return { ...data, notifications };
}
