import type { CommandStartedEvent, Document } from 'mongodb';
import mongoose from 'mongoose';

export interface SentCommand {
  /** `<command> <collection>`, such as `find users`. */
  readonly name: string;
  readonly command: Document;
}

/** Does `work`, and returns its result with every command that the service sent to the database meanwhile. */
export async function withCommands<T>(work: () => Promise<T>): Promise<{ result: T; sent: SentCommand[] }> {
  const client = mongoose.connection.getClient();
  const sent: SentCommand[] = [];
  const record = ({ commandName, command }: CommandStartedEvent): void => {
    const target = command[commandName];
    sent.push({ name: typeof target === 'string' ? `${commandName} ${target}` : commandName, command });
  };
  client.on('commandStarted', record);
  try {
    return { result: await work(), sent };
  } finally {
    client.off('commandStarted', record);
  }
}

/** The names alone, in their order. */
export async function commandsOf(work: () => Promise<unknown>): Promise<string[]> {
  return (await withCommands(work)).sent.map(({ name }) => name);
}
