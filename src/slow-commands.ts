import type { CommandFailedEvent, CommandStartedEvent, CommandSucceededEvent, Document, MongoClient } from 'mongodb';
import { explainCommand, isExplainable } from './explain/command.ts';
import { commandShape } from './lib/command-shape.ts';
import { planSummary } from './lib/query-plan.ts';

interface SlowLog {
  warn(fields: Record<string, unknown>, message: string): void;
}

export interface SlowCommandOptions {
  readonly thresholdMs: number;
  readonly log: SlowLog;
}

/** A slow database is not asked to explain itself more often than this. */
const EXPLAIN_INTERVAL_MS = 10_000;

/** Started commands that are remembered; beyond it, answers have got lost. */
const MAX_OPEN = 10_000;

const EXPLAIN_OPTIONS = { verbosity: 'queryPlanner', maxTimeMS: 2_000 } as const;

/**
 * Logs every command slower than the threshold by its shape, with types in the place of values, and now and then with
 * the plan that the server has for it. Returns how to stop.
 */
export function watchSlowCommands(client: MongoClient, { thresholdMs, log }: SlowCommandOptions): () => void {
  const open = new Map<number, CommandStartedEvent>();
  let explainAfter = 0;

  function started(event: CommandStartedEvent): void {
    if (open.size < MAX_OPEN) open.set(event.requestId, event);
  }

  function ended(event: CommandSucceededEvent | CommandFailedEvent): void {
    const command = open.get(event.requestId);
    open.delete(event.requestId);
    if (command && event.duration >= thresholdMs && event.commandName !== 'explain')
      void report(command, event.duration);
  }

  async function report({ databaseName, commandName, command }: CommandStartedEvent, ms: number): Promise<void> {
    const plan = isDue(commandName) ? await explain(client, databaseName, command) : undefined;
    const fields = {
      namespace: `${databaseName}.${String(command[commandName])}`,
      command: commandName,
      shape: commandShape(command),
      ms: Math.round(ms),
      ...(plan !== undefined && { plan }),
    };
    log.warn(fields, 'slow command');
  }

  function isDue(commandName: string): boolean {
    const now = Date.now();
    if (!isExplainable(commandName) || now < explainAfter) return false;
    explainAfter = now + EXPLAIN_INTERVAL_MS;
    return true;
  }

  client.on('commandStarted', started).on('commandSucceeded', ended).on('commandFailed', ended);
  return () => {
    client.off('commandStarted', started).off('commandSucceeded', ended).off('commandFailed', ended);
  };
}

/** The plan of a command as one line, or nothing when the server will not say. */
async function explain(client: MongoClient, databaseName: string, command: Document): Promise<string | undefined> {
  try {
    const plan = await explainCommand(client, databaseName, command, EXPLAIN_OPTIONS);
    return plan && planSummary(plan);
  } catch {
    return undefined;
  }
}
