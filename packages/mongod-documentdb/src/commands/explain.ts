import os from 'node:os';
import { type Doc, decodeExact, docOf, docsOf, encode } from '../bson.ts';
import { CommandError } from '../errors.ts';
import { readPlan } from '../explain/plan.ts';
import { explainReply, VERBOSITIES, type Verbosity } from '../explain/report.ts';
import { type ExplainedQuery, type Stage, stagesOf } from '../explain/stages.ts';
import { type Attempt, queryValue } from '../gateway/command.ts';
import type { Core } from '../gateway/core.ts';

/** The engine's name for each kind of query. */
const ENGINE_QUERIES: Readonly<Record<string, string>> = {
  find: 'find',
  aggregate: 'pipeline',
  count: 'count',
  distinct: 'distinct',
};

/** A query as the engine can explain it. */
interface Subject {
  readonly engineQuery: string;
  readonly spec: Doc;
  /** The stage that a write has on top of its search. */
  readonly write?: 'UPDATE' | 'DELETE';
}

/** The explain command. */
export function explain(attempt: Attempt, core: Core): Promise<Buffer> {
  const { verbosity } = attempt.doc;
  const asked = verbosity ?? 'allPlansExecution';
  return explainCommand(attempt, core, docOf(attempt.doc['explain']), asked);
}

/** Explains the command `inner` of `attempt`. Nothing is changed, whatever the command and the verbosity. */
export async function explainCommand(attempt: Attempt, core: Core, inner: Doc, verbosity: unknown): Promise<Buffer> {
  const level = VERBOSITIES.find((known) => known === verbosity);
  if (level === undefined) {
    throw new CommandError(2, `verbosity string must be one of {'${VERBOSITIES.join("', '")}'}`);
  }
  const [name = ''] = Object.keys(inner);
  const subject = subjectOf(name, attempt);
  const plan = readPlan(
    (await queryValue(attempt.engine, explainSql(subject, level), [attempt.db, encode(subject.spec)])).toString(),
  );
  const query = explainedQuery(name, subject.spec);
  const stages = stagesOf(plan.root, query);
  return encode(
    explainReply({
      plan,
      stages: subject.write === undefined ? stages : asWrite(stages, subject.write),
      query,
      namespace: `${attempt.db}.${String(inner[name])}`,
      command: inner,
      verbosity: level,
      host: os.hostname(),
      port: core.port(),
    }),
  );
}

function explainSql(subject: Subject, verbosity: Verbosity): string {
  const options = `FORMAT JSON, ANALYZE ${verbosity !== 'queryPlanner'}, TIMING false, BUFFERS false`;
  return `EXPLAIN (${options}) SELECT document FROM documentdb_api_catalog.bson_aggregation_${subject.engineQuery}($1, $2)`;
}

/** The command is decoded anew: what the engine is to plan must be of the very types that the client sent. */
function subjectOf(name: string, attempt: Attempt): Subject {
  const whole = decodeExact(attempt.body);
  const { explain: nested, ...own } = whole;
  const command = attempt.name === 'explain' ? docOf(nested) : own;
  const engineQuery = ENGINE_QUERIES[name];
  if (engineQuery === undefined) return searchOf(name, command);
  return { engineQuery, spec: name === 'aggregate' ? { ...command, cursor: command['cursor'] ?? {} } : command };
}

/** A write is explained by the search for what it would change. */
function searchOf(name: string, command: Doc): Subject {
  const operation = operationOf(name, command);
  if (operation === undefined) throw new CommandError(59, `Explain failed due to unknown command: ${name}`);
  const limit = isSingle(name, operation) ? 1 : undefined;
  return {
    engineQuery: 'find',
    spec: {
      find: command[name],
      filter: operation['q'] ?? operation['query'] ?? {},
      sort: operation['sort'],
      limit,
    },
    write: name === 'delete' || operation['remove'] === true ? 'DELETE' : 'UPDATE',
  };
}

function operationOf(name: string, command: Doc): Doc | undefined {
  switch (name) {
    case 'update':
      return docsOf(command['updates'])[0];
    case 'delete':
      return docsOf(command['deletes'])[0];
    case 'findAndModify':
    case 'findandmodify':
      return command;
    default:
      return undefined;
  }
}

function isSingle(name: string, operation: Doc): boolean {
  if (name === 'update') return operation['multi'] !== true;
  return name === 'delete' ? Number(operation['limit'] ?? 0) === 1 : true;
}

function explainedQuery(name: string, spec: Doc): ExplainedQuery {
  const isCount = name === 'count';
  if (name !== 'aggregate')
    return { isCount, filter: docOf(spec['filter'] ?? spec['query']), sort: sortOf(spec['sort']) };
  return { isCount, ...leadingStages(docsOf(spec['pipeline'])) };
}

/** The `$match` and `$sort` that an aggregation begins with are what its scan can serve. */
function leadingStages(pipeline: readonly Doc[]): Pick<ExplainedQuery, 'filter' | 'sort'> {
  const matched = pipeline[0]?.['$match'];
  const sorted = pipeline[matched === undefined ? 0 : 1]?.['$sort'];
  return { filter: matched === undefined ? undefined : docOf(matched), sort: sortOf(sorted) };
}

function sortOf(sort: unknown): Doc | undefined {
  return sort === undefined ? undefined : docOf(sort);
}

function asWrite(stages: Stage, write: 'UPDATE' | 'DELETE'): Stage {
  let search = stages;
  for (let below = search.inputs[0]; search.stage === 'LIMIT' && below !== undefined; below = search.inputs[0]) {
    search = below;
  }
  return { stage: write, fields: {}, stats: search.stats, inputs: [search] };
}
