import type { CatalogData, Variable, Variables } from '../../model/catalog.ts';

/** Adds the variables that templates declare to those of their types. Returns the same data if none declares any. */
export function declareTemplateVariables(data: CatalogData): CatalogData {
  const byType = new Map<string, Variables>();
  for (const { notificationType, variables } of data.templates) {
    if (variables) byType.set(notificationType, mergeVariables(byType.get(notificationType), variables));
  }
  if (byType.size === 0) return data;
  const notifications = data.notifications.map((type) => {
    const variables = byType.get(type.name);
    return variables ? { ...type, variables: mergeVariables(type.variables, variables) } : type;
  });
  return { ...data, notifications };
}

/** Whether a declaration is a mere name: it says nothing that another declaration of the variable could contradict. */
export function isMereName(declared: Variable): boolean {
  return Object.keys(declared).length === 0;
}

function mergeVariables(first: Variables = {}, second: Variables): Variables {
  const said = Object.entries(second).filter(
    ([name, declared]) => !(isMereName(declared) && Object.hasOwn(first, name)),
  );
  return { ...first, ...Object.fromEntries(said) };
}
