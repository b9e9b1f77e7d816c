import type { CommandStartedEvent, Document, MongoClient } from 'mongodb';

/** A command as the driver sent it. */
export interface SentCommand {
  readonly name: string;
  /** Absent for what is about no collection, such as `commitTransaction`. */
  readonly collection?: string;
  readonly command: Document;
}

/** Does `work`, and returns its result with every command that the client sent meanwhile, whoever asked for it. */
export async function recordCommands<T>(
  client: MongoClient,
  work: () => Promise<T>,
): Promise<{ result: T; sent: SentCommand[] }> {
  const sent: SentCommand[] = [];
  const record = ({ commandName: name, command }: CommandStartedEvent): void => {
    const collection: unknown = command[name];
    sent.push({ name, command, ...(typeof collection === 'string' && { collection }) });
  };
  client.on('commandStarted', record);
  try {
    return { result: await work(), sent };
  } finally {
    client.off('commandStarted', record);
  }
}
