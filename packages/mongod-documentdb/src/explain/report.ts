import type { Doc } from '../bson.ts';
import { GIT_VERSION, VERSION } from '../identity.ts';
import type { Plan } from './plan.ts';
import type { ExplainedQuery, Stage, StageStats } from './stages.ts';

export const VERBOSITIES = ['queryPlanner', 'executionStats', 'allPlansExecution'] as const;
export type Verbosity = (typeof VERBOSITIES)[number];

interface ExplainReport {
  readonly plan: Plan;
  readonly stages: Stage;
  readonly query: ExplainedQuery;
  readonly namespace: string;
  /** The command that was explained. */
  readonly command: Doc;
  readonly verbosity: Verbosity;
  readonly host: string;
  readonly port: number;
}

/** The reply to an explain command. */
export function explainReply(report: ExplainReport): Doc {
  const { plan, stages, query, verbosity } = report;
  return {
    explainVersion: '1',
    queryPlanner: {
      namespace: report.namespace,
      indexFilterSet: false,
      parsedQuery: query.filter ?? {},
      maxIndexedOrSolutionsReached: false,
      maxIndexedAndSolutionsReached: false,
      maxScansToExplodeReached: false,
      winningPlan: planned(stages),
      rejectedPlans: [],
    },
    ...(verbosity === 'queryPlanner' ? {} : { executionStats: executionStats(report) }),
    command: report.command,
    serverInfo: { host: report.host, port: report.port, version: VERSION, gitVersion: GIT_VERSION },
    // For whoever wants to know what really happened.
    engine: { name: 'postgresql/documentdb', plan: plan.source },
    ok: 1,
  };
}

function executionStats({ plan, stages, verbosity }: ExplainReport): Doc {
  return {
    executionSuccess: true,
    nReturned: plan.root.returned ?? 0,
    executionTimeMillis: Math.round(plan.executionTime ?? 0),
    totalKeysExamined: total(stages, 'keysExamined'),
    totalDocsExamined: total(stages, 'docsExamined'),
    executionStages: executed(stages),
    ...(verbosity === 'allPlansExecution' ? { allPlansExecution: [] } : {}),
  };
}

function planned({ stage, fields, inputs }: Stage): Doc {
  return { stage, ...fields, ...inputFields(inputs.map(planned)) };
}

function executed({ stage, fields, stats, inputs }: Stage): Doc {
  return { stage, ...stats, ...fields, ...inputFields(inputs.map(executed)) };
}

function inputFields(inputs: readonly Doc[]): Doc {
  const [first, second] = inputs;
  if (first === undefined) return {};
  return second === undefined ? { inputStage: first } : { inputStages: inputs };
}

function total(stage: Stage, counter: keyof StageStats): number {
  return stage.inputs.reduce((sum, input) => sum + total(input, counter), stage.stats[counter] ?? 0);
}
