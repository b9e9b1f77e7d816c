import { chooseBinary } from './choose.ts';
import { thisMachine } from './machine.ts';
import { startMongod } from './mongod.ts';
import { neverSilent, type Say } from './say.ts';

export interface EphemeralDatabase {
  uri: string;
  stop(): Promise<void>;
}

/**
 * A database that lives as long as this process or until `stop`, and leaves nothing behind: for tests.
 * With MONGODB_URI it is that server.
 * @throws {DatabaseUnavailableError} saying what to do
 */
export async function startEphemeral(report: Say, env = process.env): Promise<EphemeralDatabase> {
  const given = env['MONGODB_URI'];
  if (given) {
    report('Database: the one that MONGODB_URI names');
    return { uri: given, stop: async () => undefined };
  }
  return neverSilent(report, async (say) => {
    const { binary, why } = await chooseBinary(thisMachine(say, undefined, env));
    say(`Database: ${why}`);
    return startMongod({ binary });
  });
}
