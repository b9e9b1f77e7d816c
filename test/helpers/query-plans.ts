import { setTimeout as pause } from 'node:timers/promises';
import mongoose from 'mongoose';
import { explainCommand, isExplainable } from '../../src/explain/command.ts';
import { recordCommands, type SentCommand } from '../../src/explain/record.ts';
import { type PlanProblem, planProblems, planSummary } from '../../src/lib/query-plan.ts';
import { isStandIn } from './engine.ts';

/** Runs each search, as only that tells what it examines. */
const OPTIONS = { verbosity: 'executionStats', maxTimeMS: 10_000 } as const;

/** The stand-in takes an order from an index only by `_id`, so there only scans of a collection count. */
const judged = (problem: PlanProblem, standIn: boolean): boolean => problem === 'scans the collection' || !standIn;

/** What is wrong with the plan of a command, with the plan. */
async function wrongWith({ name, collection, command }: SentCommand, standIn: boolean): Promise<string | undefined> {
  const plan = await explainCommand(mongoose.connection.getClient(), mongoose.connection.name, command, OPTIONS);
  if (!plan) throw new Error(`no plan for ${name} ${collection}`);
  const problems = planProblems(plan).filter((problem) => judged(problem, standIn));
  const cost = plan.cost && `${plan.cost.documentsExamined} examined for ${plan.cost.returned}`;
  return problems.length > 0
    ? `${name} ${collection} ${problems.join(', ')}: ${planSummary(plan)} (${cost})`
    : undefined;
}

/** The stand-in plans by statistics that it takes in the background: for a while after many inserts it may scan. */
export const STATISTICS_WITHIN_MS = 10_000;

/** What is wrong with the plans of these commands, one line for each. */
export async function wrongIn(sent: readonly SentCommand[], withinMs = 0): Promise<string[]> {
  const standIn = await isStandIn(mongoose.connection.getClient());
  const wrong: string[] = [];
  for (const command of sent.filter(({ name }) => isExplainable(name))) {
    let problem = await wrongWith(command, standIn);
    for (let waited = 0; problem && standIn && waited < withinMs; waited += 1_000) {
      await pause(1_000);
      problem = await wrongWith(command, standIn);
    }
    if (problem) wrong.push(problem);
  }
  return wrong;
}

/** The commands that `work` sends. */
export const sentBy = async (work: () => Promise<unknown>) =>
  (await recordCommands(mongoose.connection.getClient(), work)).sent;
