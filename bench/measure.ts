import type { Run } from './load.ts';
import { cpuOf } from './processes.ts';
import { median, quantile } from './statistics.ts';

/** What is measured: an operation of the service, or a ceiling. */
export interface Participant {
  readonly name: string;
  readonly accounts?: number;
  /** The process whose CPU is counted. */
  readonly pid: number;
  readonly seconds: number;
  /** Requests that are thrown away first: code is compiled while it is called for the first thousand times. */
  readonly warmUp: number;
  run(connections: number, amount: number): Promise<Run>;
}

interface Round {
  readonly perSecond: number;
  /** Milliseconds for each request. */
  readonly cpuMs: number | undefined;
}

export interface Measurement {
  readonly name: string;
  readonly accounts: number | undefined;
  readonly connections: number;
  readonly rounds: readonly Round[];
  readonly p50: number;
  readonly p99: number;
}

const WARM_UP_CONNECTIONS = 16;

/** Once for all numbers of connections: the processes stay the same. */
export async function warmUp(participants: readonly Participant[]): Promise<void> {
  for (const participant of participants) await participant.run(WARM_UP_CONNECTIONS, participant.warmUp);
}

/**
 * Measures all participants by turns, so that what disturbs the machine for a while disturbs them alike: ratios are
 * then taken within a round. Every other round goes backwards, so that none is always measured after the same one.
 */
export async function measure(
  participants: readonly Participant[],
  connections: number,
  rounds: number,
  beforeRound: () => Promise<void>,
): Promise<Measurement[]> {
  const courses = participants.map((participant) => new Course(participant, connections));
  for (let round = 0; round < rounds; round++) {
    await beforeRound();
    if (round === 0) for (const course of courses) await course.sound();
    for (const course of round % 2 === 0 ? courses : courses.toReversed()) await course.round();
  }
  return courses.map((course) => course.result());
}

const SOUNDING_SECONDS = 0.3;

/** A participant on its way through the rounds. */
class Course {
  readonly #participant: Participant;
  readonly #connections: number;
  readonly #rounds: Round[] = [];
  readonly #latencies: number[] = [];
  #perSecond = 0;

  constructor(participant: Participant, connections: number) {
    this.#participant = participant;
    this.#connections = connections;
  }

  /** Finds out how fast it is about, with so many in flight. */
  async sound(): Promise<void> {
    const first = await this.#participant.run(this.#connections, this.#connections * 2);
    this.#perSecond = first.latencies.length / first.seconds;
    await this.#run(SOUNDING_SECONDS);
  }

  async round(): Promise<void> {
    const { pid, seconds } = this.#participant;
    const before = await cpuOf(pid);
    const { latencies } = await this.#run(seconds);
    const after = await cpuOf(pid);
    this.#latencies.push(...latencies);
    const cpuMs = before === undefined || after === undefined ? undefined : (after - before) / latencies.length;
    this.#rounds.push({ perSecond: this.#perSecond, cpuMs });
  }

  /** For about so long: as many requests as the last run makes one expect. */
  async #run(seconds: number): Promise<Run> {
    const eachConnection = Math.max(2, Math.round((this.#perSecond * seconds) / this.#connections));
    const run = await this.#participant.run(this.#connections, eachConnection * this.#connections);
    this.#perSecond = run.latencies.length / run.seconds;
    return run;
  }

  result(): Measurement {
    const sorted = this.#latencies.toSorted((a, b) => a - b);
    const { name, accounts } = this.#participant;
    return {
      name,
      accounts,
      connections: this.#connections,
      rounds: this.#rounds,
      p50: quantile(sorted, 0.5),
      p99: quantile(sorted, 0.99),
    };
  }
}

/** How fast one is in comparison with the other: the median of the rounds' ratios. */
export const ratio = (one: Measurement, other: Measurement): number =>
  median(one.rounds.map(({ perSecond }, round) => perSecond / (other.rounds[round]?.perSecond ?? Number.NaN)));
