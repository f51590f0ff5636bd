/** A small catalog for tests of the findings on its rules. */

const EVENTS = `traits: { plan: string, vip: boolean, score: number }
events:
  a: { properties: { id: string, n: number } }
  b: { properties: { id: string, n: number } }
`;

/** Returns a catalog of these rules (or groups and rules), with the notifications A and B. */
export function buildLintFiles(rules: string): Map<string, string> {
  return new Map([
    ['events.yaml', EVENTS],
    [
      'notifications.yaml',
      'notifications:\n  A: { category: SYSTEM, channels: [internal] }\n  B: { category: SYSTEM, channels: [internal] }\n',
    ],
    ['rules.yaml', /^(rules|groups):/.test(rules) ? rules : `rules:\n${rules}`],
  ]);
}
