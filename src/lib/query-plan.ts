/** One stage of a winning plan. */
interface PlanStage {
  readonly stage: string;
  readonly indexName?: string;
}

/** What running a query took; absent where the server was only asked for its plan. */
interface PlanCost {
  readonly returned: number;
  readonly documentsExamined: number;
  readonly keysExamined: number;
}

export interface QueryPlan {
  /** From the result down to the index or collection. */
  readonly stages: readonly PlanStage[];
  readonly cost?: PlanCost;
}

type Explained = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Explained =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Where a plan keeps what feeds a stage: one input, several, those of a shard, or the newer engine's wrapper. */
const INPUTS = ['queryPlan', 'inputStage', 'inputStages', 'outerStage', 'innerStage', 'shards', 'winningPlan'];

const inputsOf = (node: Explained): Explained[] => INPUTS.flatMap((name) => [node[name] ?? []].flat()).filter(isObject);

/** Stages that make one document of many: what they were given is what the query found. */
const COUNTING: ReadonlySet<string> = new Set(['COUNT', 'GROUP']);

/**
 * Reads an answer of `explain`: a query's plan stands at its top, that of a pipeline in its first stage, followed by
 * the stages that work on what it found.
 */
export function queryPlan(explained: Explained): QueryPlan | undefined {
  const { queryPlanner, executionStats, stages } = explained;
  if (isObject(queryPlanner)) {
    const found = isObject(queryPlanner['winningPlan']) ? stagesOf(queryPlanner['winningPlan']) : [];
    if (found.length === 0) return undefined;
    return { stages: found, ...(isObject(executionStats) && { cost: costOf(executionStats) }) };
  }
  const [first, ...rest] = Array.isArray(stages) ? stages.filter(isObject) : [];
  const inner = isObject(first?.['$cursor']) ? queryPlan(first['$cursor']) : undefined;
  if (!inner) return undefined;
  const later = rest.flatMap((stage) => Object.keys(stage).filter((name) => name.startsWith('$')));
  const above = later.reverse().map((name) => ({ stage: name.slice(1).toUpperCase() }));
  return { ...inner, stages: [...above, ...inner.stages] };
}

function stagesOf(node: Explained): PlanStage[] {
  const { stage, indexName } = node;
  const own: PlanStage[] =
    typeof stage === 'string' ? [{ stage, ...(typeof indexName === 'string' && { indexName }) }] : [];
  return [...own, ...inputsOf(node).flatMap(stagesOf)];
}

function costOf(stats: Explained): PlanCost {
  return {
    returned: (isObject(stats['executionStages']) ? counted(stats['executionStages']) : undefined) ?? returnedBy(stats),
    documentsExamined: Number(stats['totalDocsExamined'] ?? 0),
    keysExamined: Number(stats['totalKeysExamined'] ?? 0),
  };
}

const returnedBy = (stats: Explained): number => Number(stats['nReturned'] ?? 0);

/** What a counting stage was given, if there is one in this part of the plan. */
function counted(node: Explained): number | undefined {
  const inputs = inputsOf(node);
  // The slot-based engine writes the names of its stages in lower case.
  if (COUNTING.has(String(node['stage']).toUpperCase())) return Math.max(0, ...inputs.map(returnedBy));
  return inputs.map(counted).find((count) => count !== undefined);
}

/** A plan in one line: `LIMIT < FETCH < IXSCAN idx_users_email`. */
export function planSummary({ stages }: QueryPlan): string {
  return stages.map(({ stage, indexName }) => (indexName === undefined ? stage : `${stage} ${indexName}`)).join(' < ');
}

export type PlanProblem = 'scans the collection' | 'sorts in memory' | 'examines too many documents';

/** A query may examine so many documents for each that it returns, */
const EXAMINED_FOR_EACH = 10;
/** and so many when it returns few or none: the unlike ones among equals of an index, or one that is gone by now. */
const EXAMINED_ANYWAY = 20;

/** What makes a query slower as its collection grows. */
export function planProblems({ stages, cost }: QueryPlan): PlanProblem[] {
  const has = (name: string) => stages.some(({ stage }) => stage === name);
  const allowed = Math.max(EXAMINED_ANYWAY, EXAMINED_FOR_EACH * (cost?.returned ?? 0));
  return [
    ...(has('COLLSCAN') ? (['scans the collection'] as const) : []),
    ...(has('SORT') ? (['sorts in memory'] as const) : []),
    ...(cost && cost.documentsExamined > allowed ? (['examines too many documents'] as const) : []),
  ];
}
