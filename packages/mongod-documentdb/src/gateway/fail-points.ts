import { setTimeout as sleep } from 'node:timers/promises';
import { type Doc, docOf } from '../bson.ts';
import { RETRYABLE_CODES } from '../error-codes.ts';
import { CommandError } from '../errors.ts';
import type { ClientConnection } from './client-connection.ts';

interface FailCommand {
  readonly data: Doc;
  /** How often it still strikes; `undefined` for always. */
  remaining: number | undefined;
}

/** mongod's `failCommand` fail point, with which drivers and applications test what they do about failures. */
export class FailPoints {
  #active: FailCommand | undefined;

  /** Arms or disarms the fail point. Throws BadValue for a name or mode that is not supported. */
  configure(name: unknown, mode: unknown, data: unknown): void {
    if (name !== 'failCommand') throw new CommandError(2, `unknown fail point ${String(name)}`);
    if (mode === 'off') this.#active = undefined;
    else if (mode === 'alwaysOn') this.#active = { data: docOf(data), remaining: undefined };
    else if (docOf(mode)['times'] !== undefined) {
      this.#active = { data: docOf(data), remaining: Number(docOf(mode)['times']) };
    } else throw new CommandError(2, "the mode of a fail point is 'off', 'alwaysOn' or { times: n }");
  }

  /**
   * Fails the command if it is to fail: throws, or returns the fields that its reply gets besides. Nothing for all
   * others, synchronously: every command passes here.
   */
  strike(command: string, doc: Doc, client: ClientConnection): Promise<Doc | undefined> | undefined {
    const active = this.#active;
    if (active === undefined || !matches(active.data, command, client)) return undefined;
    if (active.remaining !== undefined && --active.remaining < 0) {
      this.#active = undefined;
      return undefined;
    }
    return fail(active.data, doc, client);
  }
}

function matches(data: Doc, command: string, client: ClientConnection): boolean {
  const { failCommands, appName } = data;
  if (!Array.isArray(failCommands) || !failCommands.includes(command)) return false;
  return appName === undefined || appName === client.appName;
}

async function fail(data: Doc, doc: Doc, client: ClientConnection): Promise<Doc | undefined> {
  if (data['blockConnection'] === true) await sleep(Number(data['blockTimeMS'] ?? 0));
  if (data['closeConnection'] === true) {
    client.destroy();
    throw new CommandError(6, 'the connection was closed by a fail point');
  }
  const labels = Array.isArray(data['errorLabels']) ? data['errorLabels'].map(String) : undefined;
  if (data['errorCode'] !== undefined) {
    const message = String(data['errmsg'] ?? "Failing command via 'failCommand' failpoint");
    throw new CommandError(Number(data['errorCode']), message, labels === undefined ? {} : { labels });
  }
  if (data['writeConcernError'] === undefined) return undefined;
  const writeConcernError = docOf(data['writeConcernError']);
  const errorLabels = writeConcernError['errorLabels'] ?? labels ?? retryable(writeConcernError, doc);
  return { writeConcernError, ...(errorLabels === undefined ? {} : { errorLabels }) };
}

function retryable(error: Doc, doc: Doc): string[] | undefined {
  if (doc['txnNumber'] === undefined || !RETRYABLE_CODES.has(Number(error['code']))) return undefined;
  return ['RetryableWriteError'];
}
