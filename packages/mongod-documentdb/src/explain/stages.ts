import { type Doc, isDoc } from '../bson.ts';
import { boundsByField } from './index-bounds.ts';
import type { PlanNode } from './plan.ts';

/** A stage of MongoDB's plan. */
export interface Stage {
  readonly stage: string;
  /** What the stage does, such as its filter or its index. */
  readonly fields: Doc;
  /** What it did; empty when the plan was not run. */
  readonly stats: StageStats;
  readonly inputs: readonly Stage[];
}

export interface StageStats {
  readonly nReturned?: number;
  readonly keysExamined?: number;
  readonly docsExamined?: number;
}

/** What a plan needs from the command to be told in MongoDB's words. */
export interface ExplainedQuery {
  readonly isCount: boolean;
  readonly filter: Doc | undefined;
  readonly sort: Doc | undefined;
}

interface Context extends ExplainedQuery {
  readonly indexDetails: readonly Doc[];
  /** The order is not made by a sort above this node: if it is wanted, the scan has it. */
  readonly isUnsorted: boolean;
}

/** Nodes that MongoDB has no stage for; they pass on what their only child gives. */
const TRANSPARENT = new Set([
  'Append',
  'CTE Scan',
  'Gather',
  'Hash',
  'LockRows',
  'Materialize',
  'Memoize',
  'ModifyTable',
  'ProjectSet',
  'Result',
  'Subquery Scan',
  'Unique',
  'WindowAgg',
]);
const JOINS = new Set(['Nested Loop', 'Hash Join', 'Merge Join']);
const WHOLE_TABLE_SCANS = new Set(['Seq Scan', 'Sample Scan', 'Tid Range Scan']);

/** Translates a PostgreSQL plan into MongoDB's stages. */
export function stagesOf(root: PlanNode, query: ExplainedQuery): Stage {
  return translate(root, { ...query, indexDetails: [], isUnsorted: true });
}

function translate(node: PlanNode, outer: Context): Stage {
  const context = node.indexDetails === undefined ? outer : { ...outer, indexDetails: node.indexDetails };
  if (WHOLE_TABLE_SCANS.has(node.type)) return wholeTableScan(node, context);
  if (JOINS.has(node.type)) return stage('EQ_LOOKUP', node, context);
  switch (node.type) {
    case 'Index Scan':
      return indexScan(node, context);
    case 'Index Only Scan':
      return isUnorderedWalk(node, context) ? collectionScan(node, context) : indexKeys(node, context);
    case 'Bitmap Index Scan':
      return indexKeys(node, context);
    case 'Bitmap Heap Scan':
      return bitmapScan(node, context);
    case 'BitmapOr':
      return stage('OR', node, context);
    case 'BitmapAnd':
      return stage('AND_SORTED', node, context);
    case 'Limit':
      return stage('LIMIT', node, context);
    case 'Sort':
    case 'Incremental Sort':
      return stage('SORT', node, { ...context, isUnsorted: false }, { sortPattern: context.sort });
    case 'Aggregate':
    case 'Group':
      return stage(context.isCount ? 'COUNT' : 'GROUP', withoutSort(node), context);
    case 'Function Scan':
      return functionScan(node, context);
    default:
      return passThrough(node, context);
  }
}

function stage(name: string, node: PlanNode, context: Context, fields: Doc = {}): Stage {
  const inputs = node.children.map((child) => translate(child, context));
  return { stage: name, fields, stats: returned(node), inputs };
}

function passThrough(node: PlanNode, context: Context): Stage {
  const [only, second] = withoutSort(node).children;
  if (only !== undefined && second === undefined) return translate(only, context);
  if (node.type === 'Append') return stage('OR', node, context);
  const name = TRANSPARENT.has(node.type) ? 'PROJECTION_DEFAULT' : node.type.toUpperCase().replaceAll(' ', '_');
  return stage(name, node, context);
}

/** Grouping and making unique may sort first, where MongoDB hashes: a part of the stage, not a stage. */
function withoutSort(node: PlanNode): PlanNode {
  if (node.type !== 'Aggregate' && node.type !== 'Group' && node.type !== 'Unique') return node;
  return { ...node, children: node.children.flatMap((child) => (child.type === 'Sort' ? child.children : [child])) };
}

function wholeTableScan(node: PlanNode, context: Context): Stage {
  // Only tables of documents are collections; the engine's catalog is none of the client's business.
  if (node.relation !== undefined && !/^documents_\d+/.test(node.relation)) {
    return { stage: 'INTERNAL', fields: {}, stats: returned(node), inputs: [] };
  }
  return collectionScan(node, context);
}

function collectionScan(node: PlanNode, context: Context): Stage {
  return {
    stage: 'COLLSCAN',
    fields: { direction: node.isBackward ? 'backward' : 'forward', filter: context.filter },
    stats: { ...returned(node), ...examined(node) },
    inputs: [],
  };
}

function indexScan(node: PlanNode, context: Context): Stage {
  if (isUnorderedWalk(node, context)) return collectionScan(node, context);
  const isWalk = walksPrimaryKey(node);
  // Of a walk, every entry is looked at; of a search, those that were found.
  const keys = indexKeys(isWalk ? { ...node, returned: sum(node.returned, node.removed) } : node, context);
  const fields = isWalk ? { filter: context.filter } : {};
  return { stage: 'FETCH', fields, stats: { ...returned(node), ...examined(node) }, inputs: [keys] };
}

function bitmapScan(node: PlanNode, context: Context): Stage {
  const [only] = node.children;
  if (node.children.length === 1 && only?.type === 'Bitmap Index Scan' && walksPrimaryKey(only)) {
    return collectionScan(node, context);
  }
  const fetched = stage('FETCH', node, context);
  return { ...fetched, stats: { ...fetched.stats, ...examined(node) } };
}

/**
 * Every collection shares its primary key's first column, so a scan of `_id_` by that column alone goes over the
 * whole collection. It is a collection scan in all but name, unless it is made for the order.
 */
function walksPrimaryKey(node: PlanNode): boolean {
  return node.index === '_id_' && !(node.indexCondition ?? '').includes('object_id');
}

function isUnorderedWalk(node: PlanNode, context: Context): boolean {
  return walksPrimaryKey(node) && !(context.isUnsorted && leadsWithId(context.sort));
}

function leadsWithId(sort: Doc | undefined): boolean {
  return Object.keys(sort ?? {})[0] === '_id';
}

function indexKeys(node: PlanNode, context: Context): Stage {
  const details = context.indexDetails.find((index) => index['indexName'] === node.index);
  const keyPattern = node.index === '_id_' ? { _id: 1 } : parseKey(details?.['indexKey']);
  return {
    stage: 'IXSCAN',
    fields: {
      keyPattern,
      indexName: node.index,
      isMultiKey: details?.['isMultiKey'] ?? false,
      direction: node.isBackward ? 'backward' : 'forward',
      indexBounds: boundsByField(Object.keys(keyPattern ?? {}), details?.['indexBounds']),
    },
    stats: node.returned === undefined ? {} : { nReturned: node.returned, keysExamined: node.returned },
    inputs: [],
  };
}

function functionScan(node: PlanNode, context: Context): Stage {
  if (node.functionName === 'empty_data_table') return stage('EOF', node, context);
  if (node.functionName === 'coll_stats_aggregation') return stage('RECORD_STORE_FAST_COUNT', node, context);
  return stage('PROJECTION_DEFAULT', node, context);
}

function parseKey(json: unknown): Doc | undefined {
  if (typeof json !== 'string') return undefined;
  const key: unknown = JSON.parse(json);
  return isDoc(key) ? key : undefined;
}

function returned(node: PlanNode): StageStats {
  return node.returned === undefined ? {} : { nReturned: node.returned };
}

function examined(node: PlanNode): StageStats {
  const docsExamined = sum(node.returned, node.removed);
  return docsExamined === undefined ? {} : { docsExamined };
}

function sum(returnedRows: number | undefined, removed: number): number | undefined {
  return returnedRows === undefined ? undefined : returnedRows + removed;
}
