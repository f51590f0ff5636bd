import { describe, expect, test } from 'vitest';
import type { Decision } from '../src/model/decision.ts';
import { packDecisions, type StoredDecision, unpackDecisions } from '../src/store/decisions.ts';

describe('stored decisions', () => {
  const decision: Decision = {
    decision_id: 'key.0',
    rule: 'R',
    notification_type: 'R',
    outcome: 'not_matched',
    reason_code: 'condition_false',
    reason: 'Not sent: "no".',
    notification_id: null,
    event_ids: ['e1'],
    evidence: {},
  };

  test('are read back unchanged, with any events and evidence', () => {
    const sent = { notification_type: 'N', outcome: 'send', reason_code: 'matched', notification_id: 'n1' } as const;
    const all = [
      decision,
      { ...decision, ...sent },
      { ...decision, evidence: { key: 'k' } },
      ...[['e0'], ['e1', 'e0'], ['e0', 'e1']].map((event_ids) => ({ ...decision, event_ids })),
    ].map((one, place) => ({ ...one, decision_id: `key.${place}` }));
    for (const some of [[], all.slice(0, 1), all]) {
      const stored = JSON.parse(packDecisions(some, 'e1')) as StoredDecision[];
      expect(unpackDecisions(stored, 'key', 'e1')).toEqual(some);
    }
  });

  test('leave out what the event and the rule imply', () => {
    expect(packDecisions([decision], 'e1')).toBe(
      String.raw`[{"r":"R","o":"not_matched","c":"condition_false","s":"Not sent: \"no\"."}]`,
    );
  });
});
