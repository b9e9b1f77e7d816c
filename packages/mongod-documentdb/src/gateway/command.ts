import type { Doc } from '../bson.ts';
import type { PgConnection } from '../postgres/connection.ts';
import type { ClientConnection } from './client-connection.ts';
import type { Core } from './core.ts';
import type { Session } from './sessions.ts';

/** One command as a client sent it. */
export interface Request {
  readonly name: string;
  readonly doc: Doc;
  /** The command as the engine receives it. */
  readonly body: Buffer;
  /** Documents that travelled beside the body. */
  readonly sequence: Buffer | null;
  readonly db: string;
  /** The command's own value if it is a string, which names a collection in most. */
  readonly collection: string;
  readonly client: ClientConnection;
  readonly sessionId: string | undefined;
  readonly session: Session | undefined;
  /** Part of a multi-document transaction. */
  readonly transactional: boolean;
}

/** A run of a request on the engine; a write conflict outside a transaction leads to another one. */
export interface Attempt extends Request {
  readonly engine: PgConnection;
  /** Set to keep the engine connection for a cursor that cannot be continued on another. */
  keepsEngine: boolean;
  /** Set when the command reports an error inside a reply that is otherwise a success. */
  endsTransaction: boolean;
}

export function attemptOf(request: Request, engine: PgConnection): Attempt {
  return { ...request, engine, keepsEngine: false, endsTransaction: false };
}

/** How a command outside transactions keeps apart from others. */
export interface Isolation {
  /** Sees one state of the data, and meets a write conflict when what it is about to write has changed since. */
  readonly snapshot: boolean;
  /** Commands with the same one run one after another: at once, they would only get in each other's way. */
  readonly turn?: string;
}

interface CommandTraits {
  /** May be part of a multi-document transaction. */
  readonly transactional?: true;
  /** Changes data or schema: refused by a member that is not primary. */
  readonly writes?: true;
  /** Only accepted with the database `admin`. */
  readonly adminOnly?: true;
  /** Done once only, however often it is sent with the same transaction number. */
  readonly retryable?: true;
  /** Without it: no snapshot and no turn. */
  readonly isolation?: (request: Request) => Isolation;
}

/** A command that the gateway answers by itself. */
interface GatewayCommand extends CommandTraits {
  readonly on: 'gateway';
  run(request: Request, core: Core): Buffer | Promise<Buffer>;
}

/** A command that needs an engine connection. */
export interface EngineCommand extends CommandTraits {
  readonly on: 'engine';
  run(attempt: Attempt, core: Core): Promise<Buffer>;
}

export type Command = GatewayCommand | EngineCommand;

export function gatewayCommand(run: GatewayCommand['run'], traits: CommandTraits = {}): GatewayCommand {
  return { ...traits, on: 'gateway', run };
}

export function engineCommand(run: EngineCommand['run'], traits: CommandTraits = {}): EngineCommand {
  return { ...traits, on: 'engine', run };
}

/**
 * Two upserts of one key met and this one lost. Tried again it finds the other's document and updates it, as mongod
 * does by itself.
 */
export class LostRace extends Error {
  override readonly name = 'LostRace';
  /** How often to try again. */
  readonly retries: number;
  /** What to answer after that: returns the reply or throws the error. */
  readonly giveUp: () => Buffer;

  constructor(retries: number, giveUp: () => Buffer) {
    super('lost the race of concurrent upserts');
    this.retries = retries;
    this.giveUp = giveUp;
  }
}

/**
 * Some operations of a batch met another transaction and were not done, all others were or failed for good.
 */
export class Unfinished extends Error {
  override readonly name = 'Unfinished';
  /** The operations that are to be tried again. */
  readonly rest: Request;
  /** Puts the reply to the rest together with what is known already. */
  readonly join: (reply: Buffer) => Buffer;

  constructor(rest: Request, join: (reply: Buffer) => Buffer) {
    super('part of a batch met a write conflict');
    this.rest = rest;
    this.join = join;
  }
}

/** The only value of a query that returns one row of one column. */
export async function queryValue(
  engine: Pick<PgConnection, 'query'>,
  sql: string,
  params: readonly (Buffer | string | null)[],
): Promise<Buffer> {
  const rows = await engine.query(sql, params);
  const value = rows[0]?.[0];
  if (value === undefined || value === null) throw new Error(`the engine returned nothing for: ${sql}`);
  return value;
}
