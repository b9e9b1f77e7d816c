import type { Document } from 'mongodb';
import mongoose from 'mongoose';
import { recordCommands } from '../../src/explain/record.ts';

export interface SentCommand {
  /** `<command> <collection>`, such as `find users`. */
  readonly name: string;
  readonly command: Document;
}

/** An instance looks its signing keys up again by the minute: whoever comes then, it is not for their request. */
const KEY_LOOK = 'find signing_keys';

async function allCommands<T>(work: () => Promise<T>): Promise<{ result: T; sent: SentCommand[] }> {
  const { result, sent } = await recordCommands(mongoose.connection.getClient(), work);
  return {
    result,
    sent: sent.map(({ name, collection, command }) => ({
      name: collection === undefined ? name : `${name} ${collection}`,
      command,
    })),
  };
}

/** Does `work`, and returns its result with every command that the service sent for it to the database. */
export async function withCommands<T>(work: () => Promise<T>): Promise<{ result: T; sent: SentCommand[] }> {
  const { result, sent } = await allCommands(work);
  return { result, sent: sent.filter(({ name }) => name !== KEY_LOOK) };
}

/** The names alone, in their order. */
export async function commandsOf(work: () => Promise<unknown>): Promise<string[]> {
  return (await withCommands(work)).sent.map(({ name }) => name);
}

/** How often the service looked its signing keys up meanwhile, beside the commands that it sent for `work`. */
export async function keyLooksOf(work: () => Promise<unknown>): Promise<{ looks: number; others: string[] }> {
  const names = (await allCommands(work)).sent.map(({ name }) => name);
  const others = names.filter((name) => name !== KEY_LOOK);
  return { looks: names.length - others.length, others };
}
