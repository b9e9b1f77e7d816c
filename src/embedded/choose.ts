import { DatabaseUnavailableError } from './errors.ts';
import { type DatabaseRecord, ENGINE_NAMES, type Engine } from './record.ts';

/** A mongod, or what takes its place, that has been asked for its version. */
export interface Binary {
  path: string;
  engine: Engine;
  version: string;
}

/** Why something is not there, as the end of a sentence: "none is installed". */
export interface Absent {
  absent: string;
}

/** What a machine has to offer. Each is asked only when all before it had nothing. */
export interface Machine {
  /** MONGOMS_SYSTEM_BINARY. Throws when it is set and does not run: whoever set it wants to know. */
  fromVariable(): Promise<Binary | Absent>;
  onPath(): Promise<Binary | Absent>;
  inCache(): Promise<Binary | Absent>;
  byDownload(): Promise<Binary | Absent>;
  launcher(): Promise<Binary | Absent>;
}

export interface Choice {
  binary: Binary;
  /** One sentence: what was chosen, and why. */
  why: string;
}

/** The oldest MongoDB that the service is meant for. */
const OLDEST_MAJOR = 7;

interface Source {
  ask: keyof Machine;
  /** The engine that it always gives; a variable or a PATH may give either. */
  gives?: Engine;
  because(binary: Binary, passedOver: readonly string[]): string;
}

const SOURCES: readonly Source[] = [
  { ask: 'fromVariable', because: ({ path }) => `MONGOMS_SYSTEM_BINARY names ${path}` },
  { ask: 'onPath', because: ({ path }) => `${path} is on the PATH` },
  { ask: 'inCache', gives: 'mongodb', because: ({ path }) => `it was downloaded before (${path})` },
  { ask: 'byDownload', gives: 'mongodb', because: ({ path }) => `it could be downloaded (${path})` },
  { ask: 'launcher', gives: 'documentdb', because: (_, passedOver) => passedOver.join(', ') },
];

/**
 * Takes the first source that has something. Data that exist bind the choice to the engine that wrote them.
 * @throws {DatabaseUnavailableError} when nothing fits; the message says what was tried and what to do
 */
export async function chooseBinary(machine: Machine, recorded?: DatabaseRecord): Promise<Choice> {
  const passedOver: string[] = [];
  for (const { ask, gives, because } of SOURCES) {
    if (recorded !== undefined && gives !== undefined && gives !== recorded.engine) continue;
    const found = await machine[ask]();
    if ('absent' in found) {
      passedOver.push(found.absent);
      continue;
    }
    const objection = objectionTo(found, recorded);
    if (objection === undefined) {
      const reasons = [
        ...(recorded === undefined ? [] : [`${ENGINE_NAMES[recorded.engine]} wrote the data that are there`]),
        ...(recorded !== undefined && gives === recorded.engine ? [] : [because(found, passedOver)]),
      ];
      return { binary: found, why: `${named(found)}, because ${reasons.join(', and ')}` };
    }
    if (ask === 'fromVariable')
      throw new DatabaseUnavailableError(
        `MONGOMS_SYSTEM_BINARY is set, but ${objection}. Unset it, set it to another mongod, or choose another DATA_DIRECTORY.`,
      );
    passedOver.push(objection);
  }
  throw nothingFits(passedOver, recorded);
}

const named = ({ engine, version }: Pick<Binary, 'engine' | 'version'>): string => `${ENGINE_NAMES[engine]} ${version}`;

function objectionTo(binary: Binary, recorded: DatabaseRecord | undefined): string | undefined {
  if (recorded !== undefined && binary.engine !== recorded.engine)
    return `the data belong to ${named(recorded)}, not to ${named(binary)}`;
  if (recorded !== undefined && release(binary.version) < release(recorded.version))
    return `the data were last opened by ${named(recorded)}, and ${binary.version} is older`;
  if (binary.engine === 'mongodb' && Number.parseInt(binary.version, 10) < OLDEST_MAJOR)
    return `${binary.path} is MongoDB ${binary.version}, and ${OLDEST_MAJOR}.0 is the oldest that works`;
  return undefined;
}

/** Data files change between releases (8.0 → 8.2), never between patches. */
function release(version: string): number {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major * 1_000 + minor;
}

function nothingFits(passedOver: readonly string[], recorded: DatabaseRecord | undefined): DatabaseUnavailableError {
  const tried = `Tried in this order: ${passedOver.join('; ')}.`;
  const remedies =
    'set MONGODB_URI to the connection string of a replica set, or MONGOMS_SYSTEM_BINARY to the path of a mongod';
  if (recorded === undefined)
    return new DatabaseUnavailableError(`No database server was found. ${tried} What you can do: ${remedies}.`);
  return new DatabaseUnavailableError(
    `${named(recorded)}, which wrote the data in this directory, was not found. ${tried} What you can do: ${remedies} of that engine; or choose another DATA_DIRECTORY.`,
  );
}
