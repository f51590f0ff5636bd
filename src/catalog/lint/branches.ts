import type { Rule } from '../../model/catalog.ts';
import { constantCondition } from './constants.ts';
import type { Report } from './findings.ts';

/** Conditions that are always the same, and the branches that nobody reaches because of it. */
export function checkBranches(rule: Rule, tell: Report): void {
  const path = ['rules', rule.name];
  for (const [key, condition] of [
    ['when', rule.when],
    ['for', rule.audience],
  ] as const) {
    if (condition !== undefined && constantCondition(condition) === false) {
      tell('never_true', [...path, key], 'this is never true: the rule never acts', 'leave the rule out');
    }
  }
  checkChoose(rule, tell);
  for (const { name, share } of rule.split ?? []) {
    if (share === 0) tell('unreachable_branch', [...path, 'split', name], `nobody falls into ${name}`);
  }
}

function checkChoose(rule: Rule, tell: Report): void {
  const path = ['rules', rule.name, 'choose'];
  const seen = new Map<string, number>();
  let always: { readonly branch: number; readonly why: string } | undefined;
  for (const [index, { when }] of (rule.choose ?? []).entries()) {
    const branch = index + 1;
    if (always) {
      const message = `branch ${branch} is never taken: branch ${always.branch} always is${always.why}`;
      tell('unreachable_branch', [...path, index], message);
      continue;
    }
    if (when === undefined) continue;
    const text = tidy(when);
    const earlier = seen.get(text);
    const value = constantCondition(when);
    if (earlier !== undefined) {
      const message = `branch ${branch} is never taken: branch ${earlier} has the same condition`;
      tell('unreachable_branch', [...path, index, 'when'], message);
    } else if (value === false) {
      tell('unreachable_branch', [...path, index, 'when'], `branch ${branch} is never taken: this is never true`);
    } else if (value === true) always = { branch, why: '' };
    else if (rule.recheck && rule.when !== undefined && tidy(rule.when) === text) {
      always = { branch, why: ', its condition is that of the rule' };
    }
    seen.set(text, earlier ?? branch);
  }
}

/** Equal for conditions that differ in nothing but space. */
function tidy(condition: string): string {
  return condition.replace(/("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|\s+/g, (_all, quoted?: string) => quoted ?? ' ');
}
