/** One stage of a query plan, as `explain` tells it. */
interface Stage {
  readonly stage?: string;
  readonly indexName?: string;
  readonly inputStage?: Stage;
  readonly inputStages?: readonly Stage[];
}

type Explained = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Explained =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The winning plan in an answer of `explain`: at its top, or in the first stage of a pipeline. */
function winningPlan(explained: Explained): Stage | undefined {
  const { queryPlanner, stages } = explained;
  if (isObject(queryPlanner)) {
    const plan = queryPlanner['winningPlan'];
    if (!isObject(plan)) return undefined;
    // The newer engine wraps its plan.
    return (isObject(plan['queryPlan']) ? plan['queryPlan'] : plan) as Stage;
  }
  const [first] = Array.isArray(stages) ? (stages as Explained[]) : [];
  const cursor = first?.['$cursor'];
  return isObject(cursor) ? winningPlan(cursor) : undefined;
}

function stagesOf({ stage, indexName, inputStage, inputStages }: Stage): string[] {
  const inputs = [inputStage ?? [], inputStages ?? []].flat();
  const own = stage === undefined ? [] : [indexName === undefined ? stage : `${stage} ${indexName}`];
  return [...own, ...inputs.flatMap(stagesOf)];
}

/** A plan in one line, from the result down to the index: `LIMIT < FETCH < IXSCAN idx_users_email`. */
export function planSummary(explained: Explained): string | undefined {
  const plan = winningPlan(explained);
  const stages = plan ? stagesOf(plan) : [];
  return stages.length > 0 ? stages.join(' < ') : undefined;
}
