import type { Document, MongoClient } from 'mongodb';
import { type QueryPlan, queryPlan } from '../lib/query-plan.ts';

/** Commands that a server can explain. */
const EXPLAINABLE: ReadonlySet<string> = new Set([
  'find',
  'aggregate',
  'update',
  'delete',
  'findAndModify',
  'count',
  'distinct',
]);

export const isExplainable = (commandName: string): boolean => EXPLAINABLE.has(commandName);

/** What belongs to the connection or the transaction, not to the question. */
const NOT_EXPLAINED: ReadonlySet<string> = new Set([
  'lsid',
  '$clusterTime',
  '$db',
  '$readPreference',
  'txnNumber',
  'startTransaction',
  'autocommit',
  'readConcern',
  'writeConcern',
  'maxTimeMS',
  'cursor',
]);

export interface ExplainOptions {
  /** `executionStats` runs the search (of a write only the search) and tells what it took. */
  readonly verbosity: 'queryPlanner' | 'executionStats';
  readonly maxTimeMS: number;
}

/**
 * The plan that the server has for a command as the driver sent it. Nothing is written, whatever the command.
 * @throws MongoServerError when the server cannot explain it, such as a hint on an index that is not there
 */
export async function explainCommand(
  client: MongoClient,
  databaseName: string,
  command: Document,
  { verbosity, maxTimeMS }: ExplainOptions,
): Promise<QueryPlan | undefined> {
  const question = Object.fromEntries(Object.entries(command).filter(([name]) => !NOT_EXPLAINED.has(name)));
  if ('aggregate' in question) question['cursor'] = {};
  return queryPlan(await client.db(databaseName).command({ explain: question, verbosity, maxTimeMS }));
}
