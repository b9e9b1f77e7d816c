import type { Document } from 'mongodb';
import mongoose from 'mongoose';
import { recordCommands } from '../../src/explain/record.ts';

export interface SentCommand {
  /** `<command> <collection>`, such as `find users`. */
  readonly name: string;
  readonly command: Document;
}

/** Does `work`, and returns its result with every command that the service sent to the database meanwhile. */
export async function withCommands<T>(work: () => Promise<T>): Promise<{ result: T; sent: SentCommand[] }> {
  const { result, sent } = await recordCommands(mongoose.connection.getClient(), work);
  return {
    result,
    sent: sent.map(({ name, collection, command }) => ({
      name: collection === undefined ? name : `${name} ${collection}`,
      command,
    })),
  };
}

/** The names alone, in their order. */
export async function commandsOf(work: () => Promise<unknown>): Promise<string[]> {
  return (await withCommands(work)).sent.map(({ name }) => name);
}
