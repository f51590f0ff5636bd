import { type Condition, compileCondition } from '../../expressions/condition.ts';
import type { CatalogData } from '../../model/catalog.ts';
import type { Channel } from '../../model/delivery.ts';
import type { RouteEntry } from '../../model/route.ts';
import { ROUTE_SCOPE } from '../route-scope.ts';

export interface CompiledEntry extends RouteEntry {
  readonly condition?: Condition;
}

/** The accounts of a channel. */
export interface CompiledRoute {
  readonly entries: readonly CompiledEntry[];
  /** Whether a condition asks for the address: its calling code or its domain. */
  readonly readsAddress: boolean;
}

export type Routes = ReadonlyMap<Channel, CompiledRoute>;

/** Compiles the routes of a catalog, by channel. @throws Error if a condition does not compile, which checked data never causes */
export function compileRoutes({ routes = [] }: CatalogData): Routes {
  return new Map(
    routes.map(({ channel, entries }) => {
      const compiled = entries.map(compileEntry);
      const readsAddress = compiled.some(({ condition }) =>
        condition?.fields.some((field) => field === 'message.calling_code' || field === 'message.domain'),
      );
      return [channel, { entries: compiled, readsAddress }];
    }),
  );
}

function compileEntry(entry: RouteEntry): CompiledEntry {
  if (entry.when === undefined) return entry;
  const compiled = compileCondition(entry.when, ROUTE_SCOPE);
  if ('problems' in compiled) throw new Error(`route: ${compiled.problems[0]?.message}`);
  return { ...entry, condition: compiled.condition };
}
