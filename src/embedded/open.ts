import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { connect } from 'node:net';
import { resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { programOf } from '../program.ts';
import { type Notice, onMessages, type RunningDatabase, send } from './control.ts';
import { DatabaseUnavailableError, reason } from './errors.ts';
import { currentHolder, type Holder } from './lock.ts';
import { databasePath, ENGINE_NAMES, logPath } from './record.ts';
import { neverSilent, type Say } from './say.ts';

/** A keeper that is just stopping its database is waited for; one that is stuck longer than this is not. */
const KEEPER_WITHIN_MS = 60_000;

export interface EmbeddedDatabase extends RunningDatabase {
  /** Whether it ran already, for somebody else. */
  joined: boolean;
  /** Resolves with the reason when the database ends although it is still in use. */
  lost: Promise<string>;
  /** Leaves the database; the last one to leave stops it, and returns when it has stopped. */
  stop(): Promise<void>;
}

export interface OpenOptions {
  dataDirectory: string;
  say: Say;
}

/**
 * Joins the database of `dataDirectory`, starting it when it does not run. It runs until all who opened it have
 * stopped it or ended, in whatever way.
 * @throws {DatabaseUnavailableError} saying what is wrong and what to do
 */
export async function openDatabase({ dataDirectory, say: report }: OpenOptions): Promise<EmbeddedDatabase> {
  const directory = resolve(dataDirectory);
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    mkdirSync(databasePath(directory), { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new DatabaseUnavailableError(`The data directory cannot be used: ${reason(error)}`);
  }
  return neverSilent(report, (say) => joinOrStart(directory, say));
}

async function joinOrStart(directory: string, say: Say): Promise<EmbeddedDatabase> {
  const deadline = Date.now() + KEEPER_WITHIN_MS;
  let joined = true;
  let waitingFor: number | undefined;
  while (Date.now() < deadline) {
    const holder = currentHolder(directory);
    if (holder === undefined) {
      await startKeeper(directory);
      joined = false;
      continue;
    }
    const connection = await attend(holder, say);
    if (connection !== undefined) {
      const { engine, version } = connection.running;
      if (joined) say(`Database: joined the one that runs already (${ENGINE_NAMES[engine]} ${version})`);
      return { ...connection.running, joined, lost: connection.lost, stop: connection.leave };
    }
    if (waitingFor !== holder.pid) say(`Waiting for process ${holder.pid} to let go of ${directory}`);
    waitingFor = holder.pid;
    await pause(100);
  }
  const pid = currentHolder(directory)?.pid;
  throw new DatabaseUnavailableError(
    `${directory} is held by process ${pid ?? '(unknown)'}, which does not answer. End it, then start again.`,
  );
}

interface Connection {
  running: RunningDatabase;
  lost: Promise<string>;
  leave(): Promise<void>;
}

/** Undefined when the keeper hung up before it was ready: it is about to end. */
function attend({ controlPort, token }: Holder, say: Say): Promise<Connection | undefined> {
  const socket = connect(controlPort, '127.0.0.1', () => send(socket, { token }));
  let leaving = false;
  let lose = (_: string) => {};
  const lost = new Promise<string>((resolve) => {
    lose = (reason) => {
      if (!leaving) resolve(reason);
    };
  });
  const hungUp = new Promise<void>((resolve) => socket.on('close', () => resolve()));
  /** The keeper hangs up at once when others are left, else when the database has stopped. */
  const leave = async (): Promise<void> => {
    leaving = true;
    socket.ref();
    socket.end();
    await hungUp;
  };
  socket.on('error', () => socket.destroy());
  return new Promise((resolve, reject) => {
    onMessages<Notice>(socket, (notice: { say?: string; ready?: RunningDatabase; failed?: string }) => {
      if (notice.say !== undefined) say(notice.say);
      if (notice.ready !== undefined) {
        socket.unref(); // having a database must not keep a command alive that is done
        resolve({ running: notice.ready, lost, leave });
      }
      if (notice.failed === undefined) return;
      reject(new DatabaseUnavailableError(notice.failed));
      lose(notice.failed);
      socket.destroy();
    });
    void hungUp.then(() => {
      resolve(undefined);
      lose('the process that kept the database has ended');
    });
  });
}

/** Returns as soon as somebody holds the lock; it need not be the keeper that was started here. */
async function startKeeper(directory: string): Promise<void> {
  const log = openSync(logPath(directory), 'a', 0o600);
  // In a session of its own: the Ctrl-C that ends the service must not end the database under its last requests.
  const child = spawn(process.execPath, [...programOf(import.meta.url, './keeper'), directory], {
    detached: true,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  child.unref();
  let ended: string | undefined;
  child.on('error', (error) => {
    ended = error.message;
  });
  child.on('exit', (code, signal) => {
    ended = signal ?? String(code);
  });
  while (currentHolder(directory) === undefined && ended === undefined) await pause(20);
  // A keeper that finds another one in place ends with 0; should that one be gone again, the next round starts anew.
  if (ended !== undefined && ended !== '0')
    throw new DatabaseUnavailableError(`The database's keeper ended at once (${ended}); see ${logPath(directory)}.`);
}

/** The keeper beside this file: compiled beside a compiled one, else through the loader that runs TypeScript. */
