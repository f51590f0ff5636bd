import type { CatalogData, Rule } from '../../model/catalog.ts';
import { evaluateConstantCondition } from './constants.ts';
import type { Report } from './findings.ts';

/** Reports conditions that are never true, and the branches and variants that are therefore never reached. */
export function checkBranches(rule: Rule, report: Report): void {
  const path = ['rules', rule.name];
  for (const [key, condition] of [
    ['when', rule.when],
    // That of a segment is checked where it is written.
    ['for', rule.segment === undefined ? rule.audience : undefined],
  ] as const) {
    if (condition !== undefined && evaluateConstantCondition(condition) === false) {
      report('never_true', [...path, key], 'this is never true: the rule never acts', 'correct the condition');
    }
  }
  checkChoose(rule, report);
  for (const { name, share } of rule.split ?? []) {
    if (share === 0) report('unreachable_branch', [...path, 'split', name], `no user falls into ${name}`);
  }
}

/** Reports segments that no user can be in. */
export function checkSegments({ segments = [] }: CatalogData, report: Report): void {
  for (const { name, condition } of segments) {
    if (evaluateConstantCondition(condition) === false)
      report(
        'never_true',
        ['segments', name, 'for'],
        'this is never true: no user is in the segment',
        'correct the condition',
      );
  }
}

function checkChoose(rule: Rule, report: Report): void {
  const path = ['rules', rule.name, 'choose'];
  const seen = new Map<string, number>();
  let always: { readonly branch: number; readonly why: string } | undefined;
  for (const [index, { when }] of (rule.choose ?? []).entries()) {
    const branch = index + 1;
    if (always) {
      const message = `branch ${branch} is never taken: branch ${always.branch} always is${always.why}`;
      report('unreachable_branch', [...path, index], message);
      continue;
    }
    if (when === undefined) continue;
    const text = normalizeSpace(when);
    const earlier = seen.get(text);
    const value = evaluateConstantCondition(when);
    if (earlier !== undefined) {
      const message = `branch ${branch} is never taken: branch ${earlier} has the same condition`;
      report('unreachable_branch', [...path, index, 'when'], message);
    } else if (value === false) {
      const message = `branch ${branch} is never taken: this is never true`;
      report('unreachable_branch', [...path, index, 'when'], message);
    } else if (value === true) always = { branch, why: '' };
    else if (rule.recheck && rule.when !== undefined && normalizeSpace(rule.when) === text) {
      always = { branch, why: ', because it has the condition of the rule' };
    }
    seen.set(text, earlier ?? branch);
  }
}

/** Returns a text that is equal for conditions that differ only in white space. */
function normalizeSpace(condition: string): string {
  return condition.replace(/("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|\s+/g, (_all, quoted?: string) => quoted ?? ' ');
}
