import { fork } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Answer, CeilingDatabase, Question } from './ceiling-server.ts';
import type { Run } from './load.ts';
import { stop } from './service.ts';

const PROGRAM = fileURLToPath(new URL('./ceiling-server.ts', import.meta.url));

export interface CeilingProcess {
  readonly pid: number;
  readonly origin: string;
  hash(inFlight: number, amount: number): Promise<Run>;
  stop(): Promise<void>;
}

/** Starts the process that shows what the machine can do at most. */
export async function startCeiling(databases: readonly CeilingDatabase[]): Promise<CeilingProcess> {
  const child = fork(PROGRAM, {
    execArgv: ['--import', 'tsx'],
    // One thread for each core hashes fastest.
    env: { PATH: process.env['PATH'], NODE_ENV: 'production', UV_THREADPOOL_SIZE: String(availableParallelism()) },
  });

  const ended = once(child, 'exit').then((): never => {
    throw new Error('the process of the ceilings ended');
  });
  // Whoever waits for an answer hears of it; at the end nobody does.
  ended.catch(() => {});

  async function ask(question: Question): Promise<Answer> {
    const replied = once(child, 'message');
    child.send(question);
    const [answer] = (await Promise.race([replied, ended])) as [Answer];
    if ('problem' in answer) throw new Error(`ceilings: ${answer.problem}`);
    return answer;
  }

  const started = await ask({ ask: 'start', databases });
  if (!('origin' in started) || child.pid === undefined) throw new Error('the process of the ceilings has no address');
  return {
    pid: child.pid,
    origin: started.origin,
    async hash(inFlight, amount) {
      const answer = await ask({ ask: 'hash', inFlight, amount });
      if (!('run' in answer)) throw new Error('the process of the ceilings did not hash');
      return answer.run;
    },
    stop: () => stop(child),
  };
}
