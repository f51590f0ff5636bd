import { compileMappings, type Mappings } from '../../events/envelopes/mappings.ts';
import type { FieldsByType } from '../../events/named-fields.ts';
import { listLocalesWithFallbacks } from '../../lib/text/locale.ts';
import { BUILT_IN_TYPES } from '../../model/built-in-types.ts';
import type { CatalogData, NotificationType } from '../../model/catalog.ts';
import type { Channel } from '../../model/delivery.ts';
import type { Millis, ValidateEvent } from '../../model/event.ts';
import type { LocaleFallbacks } from '../../model/tenant.ts';
import type { RuleSet } from '../../rules/compile/rule-set.ts';
import { type CompiledTemplate, compileTemplate } from '../../templates/template.ts';
import { DEFAULT_LOCALE } from '../locale.ts';
import { newAjv } from '../schemas/ajv.ts';
import { compileSchemas } from '../schemas/validate-event.ts';
import { type Connectors, compileConnectors } from './compile-connectors.ts';
import { compileGoals, type Goals } from './compile-goals.ts';
import { compilePrices, type Prices } from './compile-prices.ts';
import { compileRoutes, type Routes } from './compile-routes.ts';
import { compileRuleSet } from './compile-rule-set.ts';
import { compileSegments, type ProfileCondition } from './compile-segments.ts';
import { compileSinks, type Sinks } from './compile-sinks.ts';
import { type CompiledSource, compileSources } from './compile-sources.ts';
import { compileTests } from './compile-tests.ts';
import { declareTemplateVariables } from './declare-variables.ts';
import { findNamedFields } from './named-fields.ts';

/** One applied version of a tenant's catalog, compiled. */
export interface Catalog {
  /** 0 if the tenant has applied no catalog: events are stored and no rule is evaluated. */
  readonly version: number;
  readonly appliedAt: Millis;
  readonly data: CatalogData;
  readonly rules: RuleSet;
  /** The fields of events that rules, keys and templates name: of a large event, no others are loaded. */
  readonly namedFields: FieldsByType;
  /** Checks an event against the schemas of this version. */
  readonly validate: ValidateEvent;
  /** Translates CloudEvents and domain events. */
  readonly mappings: Mappings;
  readonly routes: Routes;
  /** Conditions of segments, by name. */
  readonly segments: ReadonlyMap<string, ProfileCondition>;
  /** Topics whose messages are events. */
  readonly sources: readonly CompiledSource[];
  /** Topics that facts and decisions are written to; undefined: none. */
  readonly sinks: Sinks | undefined;
  /** Undefined: this version has no prices. */
  readonly prices: Prices | undefined;
  /** Undefined: no notification type has a goal. */
  readonly goals: Goals | undefined;
  /** Undefined: this version has no connectors. */
  readonly connectors: Connectors | undefined;
  /** @throws Error for a notification type that this version does not define */
  getNotificationType(name: string): NotificationType;
  /**
   * Returns the template in the locale that matches best, by the look-up of RFC 4647 (`listLookupLocales`): the locale
   * itself (`pt-BR`, also written `pt_BR`), a shorter one (`pt`), the fallbacks of each of them, the default locale, or else
   * any locale. All parts of a message are of one locale. Returns undefined if the type has no template for the channel.
   *
   * @param userId a user who takes part in a test of variants; absent: no test is looked at
   */
  findTemplate(
    notificationType: string,
    channel: Channel,
    locale: string,
    fallbacks?: LocaleFallbacks,
    userId?: string,
  ): CompiledTemplate | undefined;
}

/**
 * Compiles the checked data of a catalog: rules, event schemas and templates.
 *
 * @throws Error if a part does not compile, which checked data never causes
 */
export function compileCatalog(version: number, appliedAt: Millis, data: CatalogData): Catalog {
  const ajv = newAjv();
  const declared = declareTemplateVariables(data);
  const rules = compileRuleSet(version, declared, ajv);
  const templates = compileTemplates(declared);
  const tests = compileTests(declared, templates);
  return {
    version,
    appliedAt,
    data,
    rules,
    namedFields: findNamedFields(rules.byName.values(), templates.values()),
    validate: compileSchemas(data, ajv),
    mappings: compileMappings(data),
    routes: compileRoutes(data),
    segments: compileSegments(data),
    sources: compileSources(data),
    sinks: compileSinks(data),
    prices: compilePrices(data),
    goals: compileGoals(data),
    connectors: compileConnectors(data),
    getNotificationType(name) {
      const type = rules.notifications.get(name) ?? BUILT_IN_TYPES.get(name);
      if (!type) throw new Error(`catalog version ${version} has no notification type ${name}`);
      return type;
    },
    findTemplate(notificationType, channel, locale, fallbacks, userId) {
      const prefix = `${notificationType} ${channel} `;
      for (const candidate of [...listLocalesWithFallbacks(locale, fallbacks), DEFAULT_LOCALE]) {
        const key = prefix + candidate;
        const found = templates.get(key);
        if (found) return userId === undefined ? found : (tests.get(key)?.(userId) ?? found);
      }
      for (const [key, template] of templates) {
        if (key.startsWith(prefix) && !key.includes('@', prefix.length)) return template;
      }
      return undefined;
    },
  };
}

/** Returns the templates by `TYPE CHANNEL LOCALE`, or `TYPE CHANNEL LOCALE@VARIANT`. */
function compileTemplates(data: CatalogData): ReadonlyMap<string, CompiledTemplate> {
  const templates = new Map<string, CompiledTemplate>();
  const variables = new Map(data.notifications.map((type) => [type.name, type.variables]));
  for (const source of data.templates) {
    const { notificationType, channel, locale, variant } = source;
    const compiled = compileTemplate(source, { own: variables.get(notificationType), shared: data.variables });
    if ('problems' in compiled) throw new Error(`template ${notificationType}: ${compiled.problems[0]?.message}`);
    const place = variant === undefined ? locale : `${locale}@${variant}`;
    templates.set(`${notificationType} ${channel} ${place}`, compiled.template);
  }
  return templates;
}
