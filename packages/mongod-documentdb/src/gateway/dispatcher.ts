import { type Doc, decode, encode } from '../bson.ts';
import { CommandError } from '../errors.ts';
import { PgError } from '../postgres/connection.ts';
import { rewriteRequest } from '../rewrite.ts';
import { Autocommit } from './autocommit.ts';
import type { ClientConnection } from './client-connection.ts';
import { type Attempt, attemptOf, type Command, type EngineCommand, type Request } from './command.ts';
import { isCreationRace } from './conflicts.ts';
import type { Core } from './core.ts';
import { describeFailure } from './failure.ts';
import { readRequest } from './request.ts';
import type { Session } from './sessions.ts';
import { TimeLimit } from './time-limit.ts';
import type { Transaction } from './transactions.ts';
import type { WireRequest } from './wire.ts';

/** Retries of a transaction's first statement that met the creation of its collection. */
const MAX_RESTARTS = 3;

/** Runs commands: finds the handler, its transaction and its engine connection, and turns failures into replies. */
export class Dispatcher {
  readonly #core: Core;
  readonly #commands: ReadonlyMap<string, Command>;
  readonly #autocommit: Autocommit;

  constructor(core: Core, commands: ReadonlyMap<string, Command>) {
    this.#core = core;
    this.#commands = commands;
    this.#autocommit = new Autocommit(core);
  }

  /** The reply to a request, as BSON. A command that fails is a reply too; this throws for defects only. */
  async run(wire: WireRequest, client: ClientConnection): Promise<Buffer> {
    let request: Request | undefined;
    try {
      request = readRequest(wire, client, this.#core);
      if (this.#core.options.debug) this.#core.options.say?.('command', { command: request.doc });
      return await this.#answer(request);
    } catch (error) {
      const reply = await describeFailure(error, request, this.#core);
      if (this.#core.options.debug)
        this.#core.options.say?.('command failed', { reply, error: String(error), state: stateOf(error) });
      return encode(reply);
    }
  }

  async #answer(request: Request): Promise<Buffer> {
    const command = this.#commands.get(request.name);
    if (command === undefined) throw new CommandError(59, `no such command: '${request.name}'`);
    if (request.transactional && command.transactional !== true) {
      throw new CommandError(263, `Cannot run '${request.name}' in a multi-document transaction.`);
    }
    if (command.adminOnly === true && request.db !== 'admin') {
      throw new CommandError(13, `${request.name} may only be run against the admin database.`);
    }
    const struck = this.#core.failPoints.strike(request.name, request.doc, request.client);
    const extra = struck === undefined ? undefined : await struck;
    const reply =
      command.on === 'gateway' ? await command.run(request, this.#core) : await this.#onEngine(command, request);
    return extra === undefined ? reply : withFields(reply, extra);
  }

  async #onEngine(command: EngineCommand, request: Request): Promise<Buffer> {
    this.#checkState(command, request);
    const rewritten = { ...request, body: rewriteRequest(request.name, request.doc, request.body) };
    if (request.transactional) return this.#inTransaction(command, rewritten);
    const { session } = request;
    const txnNumber = request.doc['txnNumber'];
    if (command.retryable !== true || session === undefined || txnNumber === undefined) {
      return this.#autocommit.run(command, rewritten);
    }
    return this.#onceOnly(session, `${String(txnNumber)} ${request.name}`, () =>
      this.#autocommit.run(command, rewritten),
    );
  }

  /** A write that is sent again gets the reply of the first time, also while that one is still running. */
  async #onceOnly(session: Session, key: string, write: () => Promise<Buffer>): Promise<Buffer> {
    if (session.lastWrite?.key === key) return session.lastWrite.reply;
    const reply = write();
    const lastWrite = { key, reply };
    session.lastWrite = lastWrite;
    try {
      return await reply;
    } catch (error) {
      if (session.lastWrite === lastWrite) session.lastWrite = undefined;
      throw error;
    }
  }

  #checkState(command: Command, request: Request): void {
    const { replicaSet } = this.#core;
    if (!replicaSet.isServing) {
      throw command.writes === true
        ? new CommandError(10107, 'not primary')
        : new CommandError(13436, 'node is not in primary or recovering state');
    }
    if ((command.writes === true || request.transactional) && !replicaSet.isWritable) {
      throw new CommandError(10107, 'not primary');
    }
  }

  async #inTransaction(command: EngineCommand, request: Request): Promise<Buffer> {
    const { session, client } = request;
    if (session === undefined) throw new CommandError(72, 'a transaction needs a session');
    const { transactions } = this.#core;
    const number = String(request.doc['txnNumber']);
    const starts = request.doc['startTransaction'] === true;
    const transaction = starts
      ? await transactions.begin(session, number, client)
      : transactions.join(session, number, client);
    const attempt = attemptOf(request, transaction.engine);
    try {
      return await this.#inSnapshot(command, attempt, transaction, starts ? MAX_RESTARTS : 0);
    } catch (error) {
      attempt.endsTransaction = true;
      throw error;
    } finally {
      // A client that left while its transaction was beginning was not yet known to have one.
      const ends = attempt.endsTransaction || client.isClosed;
      if (ends && session.transaction === transaction) await transactions.rollback(session);
    }
  }

  /**
   * Any error ends a transaction, but for one: its first statement met the creation of its own collection by
   * another client. Nothing was done yet, and a newer snapshot sees the collection.
   */
  async #inSnapshot(
    command: EngineCommand,
    attempt: Attempt,
    transaction: Transaction,
    restarts: number,
  ): Promise<Buffer> {
    const limit = new TimeLimit(attempt);
    for (let tried = 0; ; tried++) {
      transaction.busy = true;
      try {
        return await limit.run(attempt.engine, () => command.run(attempt, this.#core));
      } catch (error) {
        if (tried >= restarts || !isCreationRace(error)) throw error;
        await this.#core.transactions.restart(transaction);
      } finally {
        transaction.busy = false;
      }
    }
  }
}

/** The SQLSTATE behind a failure: the engine's ordinal, where MongoDB's code is not known yet. */
function stateOf(error: unknown): string | undefined {
  return error instanceof PgError ? error.state : undefined;
}

function withFields(reply: Buffer, fields: Doc): Buffer {
  return encode({ ...decode(reply), ...fields });
}
