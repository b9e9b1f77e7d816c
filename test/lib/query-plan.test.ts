import { describe, expect, it } from 'vitest';
import { planProblems, planSummary, queryPlan } from '../../src/lib/query-plan.ts';

/** Answers as MongoDB 7 and 8 give them, cut to what a plan is read from. */
const FETCH = {
  stage: 'FETCH',
  inputStage: { stage: 'IXSCAN', indexName: 'idx_users_status' },
};

const summaryOf = (explained: Record<string, unknown>): string | undefined => {
  const plan = queryPlan(explained);
  return plan && planSummary(plan);
};

describe('a plan', () => {
  it('is told from the result down to the index', () => {
    expect(summaryOf({ queryPlanner: { winningPlan: { stage: 'LIMIT', inputStage: FETCH } } })).toBe(
      'LIMIT < FETCH < IXSCAN idx_users_status',
    );
  });

  it('is found in the wrapping of the slot-based engine', () => {
    const winningPlan = { isCached: false, queryPlan: FETCH, slotBasedPlan: { stages: '[2] nlj inner [] []' } };
    expect(summaryOf({ explainVersion: '2', queryPlanner: { winningPlan } })).toBe('FETCH < IXSCAN idx_users_status');
  });

  it('names every input of a stage that has several, and every shard', () => {
    const or = { stage: 'OR', inputStages: [{ stage: 'COLLSCAN' }, FETCH] };
    expect(summaryOf({ queryPlanner: { winningPlan: or } })).toBe('OR < COLLSCAN < FETCH < IXSCAN idx_users_status');
    const sharded = { stage: 'SHARD_MERGE', shards: [{ winningPlan: FETCH }, { winningPlan: { stage: 'COLLSCAN' } }] };
    expect(summaryOf({ queryPlanner: { winningPlan: sharded } })).toContain('COLLSCAN');
  });

  it('tells of a sort in a later stage of a pipeline', () => {
    const stages = [{ $cursor: { queryPlanner: { winningPlan: FETCH } } }, { $sort: { sortKey: { n: 1 } } }];
    expect(summaryOf({ stages })).toBe('SORT < FETCH < IXSCAN idx_users_status');
  });

  it('is missing where the server told none', () => {
    expect(queryPlan({ ok: 1 })).toBeUndefined();
    expect(queryPlan({ queryPlanner: { winningPlan: {} } })).toBeUndefined();
  });
});

describe('the cost', () => {
  const stats = { nReturned: 3, totalDocsExamined: 30, totalKeysExamined: 31 };

  it('is what running it took, and absent when it was not run', () => {
    const queryPlanner = { winningPlan: FETCH };
    expect(queryPlan({ queryPlanner })).not.toHaveProperty('cost');
    expect(queryPlan({ queryPlanner, executionStats: stats })?.cost).toEqual({
      returned: 3,
      documentsExamined: 30,
      keysExamined: 31,
    });
  });

  it('of a count is measured by what was counted', () => {
    const executionStages = {
      stage: 'GROUP',
      nReturned: 1,
      inputStage: { stage: 'FETCH', nReturned: 25, inputStage: { stage: 'IXSCAN', nReturned: 31 } },
    };
    const explained = {
      queryPlanner: { winningPlan: { stage: 'GROUP', inputStage: FETCH } },
      executionStats: { ...stats, nReturned: 1, executionStages },
    };
    expect(queryPlan(explained)?.cost?.returned).toBe(25);
  });
});

describe('a problem', () => {
  const problemsOf = (stages: string[], documentsExamined = 0, returned = 0) =>
    planProblems({
      stages: stages.map((stage) => ({ stage })),
      cost: { documentsExamined, returned, keysExamined: documentsExamined },
    });

  it('is a scan of the collection or a sort in memory, wherever in the plan it stands', () => {
    expect(problemsOf(['LIMIT', 'SORT', 'OR', 'FETCH', 'IXSCAN', 'COLLSCAN'])).toEqual([
      'scans the collection',
      'sorts in memory',
    ]);
    expect(problemsOf(['LIMIT', 'SORT_MERGE', 'FETCH', 'IXSCAN'])).toEqual([]);
  });

  it('is more than ten documents examined for each returned, beyond a few', () => {
    expect(problemsOf(['FETCH', 'IXSCAN'], 100, 10)).toEqual([]);
    expect(problemsOf(['FETCH', 'IXSCAN'], 101, 10)).toEqual(['examines too many documents']);
    expect(problemsOf(['FETCH', 'IXSCAN'], 20, 0)).toEqual([]);
    expect(problemsOf(['FETCH', 'IXSCAN'], 21, 0)).toEqual(['examines too many documents']);
  });
});
