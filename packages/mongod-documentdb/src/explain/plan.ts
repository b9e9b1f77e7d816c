import { type Doc, docsOf, isDoc } from '../bson.ts';

/** A node of a PostgreSQL plan, reduced to what MongoDB's explain has a place for. */
export interface PlanNode {
  /** PostgreSQL's node type, such as `Index Scan`. */
  readonly type: string;
  readonly relation: string | undefined;
  readonly index: string | undefined;
  readonly indexCondition: string | undefined;
  readonly isBackward: boolean;
  readonly functionName: string | undefined;
  /** What the engine says about the indexes used below this node. */
  readonly indexDetails: readonly Doc[] | undefined;
  /** Rows given to the node above, over all loops; `undefined` when the plan was not run. */
  readonly returned: number | undefined;
  /** Rows looked at and not given on. */
  readonly removed: number;
  readonly children: readonly PlanNode[];
}

export interface Plan {
  readonly root: PlanNode;
  /** Milliseconds; `undefined` when the plan was not run. */
  readonly executionTime: number | undefined;
  /** What PostgreSQL said. */
  readonly source: string;
}

/** Reads the output of EXPLAIN (FORMAT JSON). */
export function readPlan(source: string): Plan {
  const parsed: unknown = JSON.parse(source);
  const [top] = docsOf(parsed);
  if (top === undefined || !isDoc(top['Plan'])) throw new Error('the engine gave no plan');
  return { root: readNode(top['Plan']), executionTime: numberOf(top['Execution Time']), source };
}

function readNode(node: Doc): PlanNode {
  const rows = numberOf(node['Actual Rows']);
  const loops = numberOf(node['Actual Loops']) ?? 1;
  // PostgreSQL reports averages per loop.
  const removed =
    (numberOf(node['Rows Removed by Filter']) ?? 0) + (numberOf(node['Rows Removed by Index Recheck']) ?? 0);
  return {
    type: String(node['Node Type']),
    relation: stringOf(node['Relation Name']),
    index: stringOf(node['Index Name']),
    indexCondition: stringOf(node['Index Cond']),
    isBackward: node['Scan Direction'] === 'Backward',
    functionName: stringOf(node['Function Name']),
    indexDetails: node['IndexDetails'] === undefined ? undefined : docsOf(node['IndexDetails']),
    returned: rows === undefined ? undefined : Math.round(rows * loops),
    removed: Math.round(removed * loops),
    children: docsOf(node['Plans']).map(readNode),
  };
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

function stringOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
